{# Written by dbt/generate.py; do not edit. From infra/model/fact_expenses.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'expenses'])) }}
SELECT
  expenses.id AS expense_id,
  expenses.spent_date AS day,
  CAST(DATE_TRUNC('month', expenses.spent_date) AS DATE) AS month_start,
  expenses.spent_date > report.today AS is_future,
  expenses.user_id AS user_id,
  expenses.user_name AS person,
  expenses.client_id AS client_id,
  expenses.client_name AS client,
  expenses.project_id AS project_id,
  expenses.project_name AS project,
  expenses.expense_category_name AS category,
  COALESCE(expenses.client_currency, clients.currency) AS currency,
  expenses.units AS units,
  expenses.total_cost AS amount,
  expenses.billable AS is_billable,
  CASE WHEN expenses.billable THEN expenses.total_cost ELSE CAST(0 AS DECIMAL(18, 4)) END AS billable_amount,
  expenses.invoice_id AS invoice_id,
  COALESCE(expenses.is_billed, FALSE) AS is_invoiced,
  expenses.approval_status AS approval_status
FROM {{ ref('stg_harvest__expenses') }} AS expenses
LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = expenses.client_id
CROSS JOIN {{ ref('report_day') }} AS report
