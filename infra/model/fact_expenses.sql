-- One row for each expense.
SELECT
  -- bigint: Id of the expense.
  expenses.id AS expense_id,
  -- date: Day of the expense.
  expenses.spent_date AS day,
  -- date: First day of its month.
  CAST(DATE_TRUNC('month', expenses.spent_date) AS DATE) AS month_start,
  -- boolean: Whether its day is after today.
  expenses.spent_date > report.today AS is_future,
  -- bigint: Id of the person.
  expenses.user_id AS user_id,
  -- varchar: Name of the person.
  expenses.user_name AS person,
  -- bigint: Id of the client.
  expenses.client_id AS client_id,
  -- varchar: Name of the client.
  expenses.client_name AS client,
  -- bigint: Id of the project.
  expenses.project_id AS project_id,
  -- varchar: Name of the project.
  expenses.project_name AS project,
  -- varchar: Name of the category.
  expenses.expense_category_name AS category,
  -- varchar: Currency of the amount, the client's.
  COALESCE(expenses.client_currency, clients.currency) AS currency,
  -- decimal(18,6): Number of units of a category with a unit price.
  expenses.units AS units,
  -- decimal(18,4): Amount of the expense, in currency.
  expenses.total_cost AS amount,
  -- boolean: Whether the client pays it.
  expenses.billable AS is_billable,
  -- decimal(18,4): Amount that the client pays, in currency.
  CASE WHEN expenses.billable THEN expenses.total_cost ELSE CAST(0 AS DECIMAL(18, 4)) END AS billable_amount,
  -- bigint: Id of the invoice that bills it.
  expenses.invoice_id AS invoice_id,
  -- boolean: Whether it is on an invoice, drafts included.
  COALESCE(expenses.is_billed, FALSE) AS is_invoiced,
  -- varchar: unsubmitted, submitted or approved.
  expenses.approval_status AS approval_status
FROM expenses
LEFT JOIN clients ON clients.id = expenses.client_id
CROSS JOIN report_day AS report
