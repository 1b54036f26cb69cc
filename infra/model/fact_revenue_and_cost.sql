-- One row for each time entry, expense, and invoiced line of a fixed fee, with what it brings in and costs. Answers on margins
-- add it up. Rows of planned work and of invoices with a later day are in it, and left out by the day.
SELECT
  -- date: Day of the work, the expense, or the issue of the invoice.
  work.day AS day,
  -- bigint: Id of the client.
  work.client_id AS client_id,
  -- varchar: Name of the client.
  work.client AS client,
  -- bigint: Id of the project.
  work.project_id AS project_id,
  -- varchar: Name of the project.
  work.project AS project,
  -- varchar: Currency of all amounts but time_cost.
  work.currency AS currency,
  -- decimal(18,6): Rounded hours of an entry.
  work.rounded_hours AS rounded_hours,
  -- decimal(18,4): Amount of an entry by time and materials, in currency; 0 if its rate is missing.
  work.time_amount AS time_amount,
  -- decimal(18,4): Amount of a line for work on a fixed fee, drafts excluded, in currency.
  work.fee_amount AS fee_amount,
  -- decimal(18,4): Amount of a billable expense, in currency.
  work.expense_amount AS expense_amount,
  -- decimal(18,4): Amount of an expense, billable or not, in currency.
  work.expense_cost AS expense_cost,
  -- decimal(18,4): Cost of an entry in the account's own currency; 0 if its cost rate is missing.
  work.time_cost AS time_cost,
  -- decimal(18,6): Rounded hours of a billable entry by time and materials without a rate.
  work.hours_without_rate AS hours_without_rate,
  -- decimal(18,6): Rounded hours of an entry without a cost rate.
  work.hours_without_cost AS hours_without_cost
FROM (
  SELECT day, client_id, client, project_id, project, currency, rounded_hours,
    COALESCE(billable_amount, CAST(0 AS DECIMAL(18, 4))) AS time_amount,
    CAST(0 AS DECIMAL(18, 4)) AS fee_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_cost,
    COALESCE(cost_amount, CAST(0 AS DECIMAL(18, 4))) AS time_cost,
    CASE WHEN is_rate_missing AND NOT is_fixed_fee THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS hours_without_rate,
    CASE WHEN cost_rate IS NULL THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS hours_without_cost
  FROM fact_time
  UNION ALL
  SELECT day, client_id, client, project_id, project, currency, CAST(0 AS DECIMAL(18, 6)) AS rounded_hours,
    CAST(0 AS DECIMAL(18, 4)) AS time_amount,
    CAST(0 AS DECIMAL(18, 4)) AS fee_amount,
    COALESCE(billable_amount, CAST(0 AS DECIMAL(18, 4))) AS expense_amount,
    COALESCE(amount, CAST(0 AS DECIMAL(18, 4))) AS expense_cost,
    CAST(0 AS DECIMAL(18, 4)) AS time_cost,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_cost
  FROM fact_expenses
  UNION ALL
  SELECT lines.issue_date AS day, lines.client_id, lines.client, lines.project_id, projects.name AS project, lines.currency,
    CAST(0 AS DECIMAL(18, 6)) AS rounded_hours,
    CAST(0 AS DECIMAL(18, 4)) AS time_amount,
    COALESCE(lines.amount, CAST(0 AS DECIMAL(18, 4))) AS fee_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_cost,
    CAST(0 AS DECIMAL(18, 4)) AS time_cost,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_cost
  FROM fact_invoice_lines AS lines
  JOIN projects ON projects.id = lines.project_id
  WHERE projects.is_fixed_fee AND NOT lines.is_expense AND lines.state <> 'draft'
) AS work
