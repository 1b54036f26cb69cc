-- Question: do the expenses agree with Harvest's own expense report, window by window and project by project?
-- Assumptions: both count expenses of later days as well. Differences are expenses less report. A day that no row of the report
-- covers is in a row without a window.
-- Harvest cannot tell: what a report said on an earlier day. Expenses that were deleted count until a sweep has proven it.
SELECT
  -- First day of the report's window; null where no window has the days of the expenses.
  sums.period_start,
  -- Last day of the window.
  sums.period_end,
  -- Id of the client.
  sums.client_id,
  -- Name of the client.
  sums.client,
  -- Id of the project.
  sums.project_id,
  -- Name of the project.
  sums.project,
  -- Currency of all amounts.
  sums.currency,
  -- equal, or why the two may differ: no window, not reported, no expenses, changed since; differs.
  CASE
    WHEN sums.amount_difference = 0 AND sums.billable_difference = 0 THEN 'equal'
    WHEN sums.period_start IS NULL THEN 'no window'
    WHEN sums.report_rows = 0 THEN 'not reported'
    WHEN sums.expenses = 0 THEN 'no expenses'
    WHEN sums.expenses_changed_since > 0 THEN 'changed since'
    ELSE 'differs'
  END AS compared,
  -- Amount by the report, in currency.
  sums.reported_amount,
  -- Amount of the expenses, in currency.
  sums.amount,
  -- Amount less that of the report, in currency.
  sums.amount_difference,
  -- Billable amount by the report, in currency.
  sums.reported_billable_amount,
  -- Amount of billable expenses, in currency.
  sums.billable_amount,
  -- Billable amount less that of the report, in currency.
  sums.billable_difference,
  -- Number of expenses.
  sums.expenses,
  -- Number of expenses that changed in Harvest after the report had its present numbers.
  sums.expenses_changed_since,
  -- When the report was read that has these numbers, UTC.
  sums.reported_at,
  -- Whether the window is not over.
  sums.period_end >= report.today AS is_open
FROM (
  SELECT
    both_sides.period_start,
    both_sides.period_end,
    COALESCE(MAX(projects.client_id), MAX(both_sides.client_id)) AS client_id,
    COALESCE(MAX(projects.client_name), MAX(both_sides.client)) AS client,
    both_sides.project_id,
    COALESCE(MAX(projects.name), MAX(both_sides.project)) AS project,
    both_sides.currency,
    SUM(both_sides.reported_amount) AS reported_amount,
    SUM(both_sides.amount) AS amount,
    SUM(both_sides.amount) - SUM(both_sides.reported_amount) AS amount_difference,
    SUM(both_sides.reported_billable_amount) AS reported_billable_amount,
    SUM(both_sides.billable_amount) AS billable_amount,
    SUM(both_sides.billable_amount) - SUM(both_sides.reported_billable_amount) AS billable_difference,
    SUM(both_sides.report_rows) AS report_rows,
    SUM(both_sides.expenses) AS expenses,
    SUM(both_sides.changed) AS expenses_changed_since,
    MAX(both_sides.reported_at) AS reported_at
  FROM (
    SELECT rows_told.period_start, rows_told.period_end, rows_told.client_id, rows_told.client_name AS client,
      rows_told.project_id, rows_told.project_name AS project,
      COALESCE(rows_told.currency, clients.currency) AS currency,
      COALESCE(rows_told.total_amount, CAST(0 AS DECIMAL(18, 4))) AS reported_amount,
      COALESCE(rows_told.billable_amount, CAST(0 AS DECIMAL(18, 4))) AS reported_billable_amount,
      CAST(0 AS DECIMAL(18, 4)) AS amount, CAST(0 AS DECIMAL(18, 4)) AS billable_amount,
      1 AS report_rows, 0 AS expenses, 0 AS changed,
      {{instant(rows_told.synced_at)}} AS reported_at
    FROM expense_report_projects AS rows_told
    LEFT JOIN clients ON clients.id = rows_told.client_id
    UNION ALL
    SELECT windows.period_start, windows.period_end, spent.client_id, spent.client, spent.project_id, spent.project,
      spent.currency,
      CAST(0 AS DECIMAL(18, 4)) AS reported_amount, CAST(0 AS DECIMAL(18, 4)) AS reported_billable_amount,
      COALESCE(spent.amount, CAST(0 AS DECIMAL(18, 4))) AS amount,
      COALESCE(spent.billable_amount, CAST(0 AS DECIMAL(18, 4))) AS billable_amount,
      0 AS report_rows, 1 AS expenses,
      CASE WHEN records.updated_at > told.synced_at THEN 1 ELSE 0 END AS changed,
      {{instant(NULL)}} AS reported_at
    FROM fact_expenses AS spent
    JOIN expenses AS records ON records.id = spent.expense_id
    LEFT JOIN (SELECT DISTINCT period_start, period_end FROM expense_report_projects) AS windows
      ON spent.day >= windows.period_start AND spent.day <= windows.period_end
    LEFT JOIN (
      SELECT period_start, period_end, project_id, MAX(synced_at) AS synced_at
      FROM expense_report_projects
      GROUP BY period_start, period_end, project_id
    ) AS told
      ON told.period_start = windows.period_start
      AND told.period_end = windows.period_end
      AND told.project_id = spent.project_id
  ) AS both_sides
  LEFT JOIN projects ON projects.id = both_sides.project_id
  GROUP BY both_sides.period_start, both_sides.period_end, both_sides.project_id, both_sides.currency
) AS sums
CROSS JOIN report_day AS report
ORDER BY period_start DESC, client, project, project_id
