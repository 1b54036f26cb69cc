-- Billable time and expenses that are on no invoice yet, by client and project, in the client's
-- currency. Fixed-fee projects are shown apart: their fee is not in these amounts.
SELECT
  work.client_id,
  MAX(work.client_name) AS client,
  work.project_id,
  MAX(work.project_name) AS project,
  work.currency,
  MAX(CASE WHEN projects.is_fixed_fee THEN 'fixed fee' ELSE 'time and materials' END) AS kind,
  SUM(work.hours) AS hours,
  SUM(work.time_amount) AS time_amount,
  SUM(work.expense_amount) AS expense_amount,
  MIN(work.spent_date) AS oldest_day
FROM (
  SELECT client_id, client_name, project_id, project_name, client_currency AS currency, spent_date,
    rounded_hours AS hours, rounded_hours * COALESCE(billable_rate, 0) AS time_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_amount
  FROM time_entries
  WHERE billable AND NOT COALESCE(is_billed, FALSE)
  UNION ALL
  SELECT client_id, client_name, project_id, project_name, client_currency AS currency, spent_date,
    CAST(0 AS DECIMAL(18, 6)) AS hours, CAST(0 AS DECIMAL(18, 4)) AS time_amount,
    COALESCE(total_cost, 0) AS expense_amount
  FROM expenses
  WHERE billable AND NOT COALESCE(is_billed, FALSE)
) AS work
LEFT JOIN projects ON projects.id = work.project_id
GROUP BY work.client_id, work.project_id, work.currency
ORDER BY client, project, work.project_id
