{# Written by dbt/generate.py; do not edit. From infra/queries/margin_by_project.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'expenses', 'invoice_item_categories', 'invoices', 'projects', 'time_entries', 'users'])) }}
SELECT
  sums.*,
  CASE WHEN sums.currency = sums.time_cost_currency
    THEN sums.revenue - sums.expense_cost - sums.time_cost END AS margin,
  CASE WHEN sums.currency = sums.time_cost_currency
    THEN {{ harvest_lake.percent("sums.revenue - sums.expense_cost - sums.time_cost", "sums.revenue") }} END AS margin_percent
FROM (
  SELECT
    work.client_id,
    MAX(work.client) AS client,
    work.project_id,
    MAX(work.project) AS project,
    work.currency,
    SUM(work.rounded_hours) AS rounded_hours,
    SUM(work.time_amount) AS time_amount,
    SUM(work.fee_amount) AS fixed_fee_invoiced,
    SUM(work.expense_amount) AS billable_expenses,
    SUM(work.time_amount) + SUM(work.fee_amount) + SUM(work.expense_amount) AS revenue,
    SUM(work.expense_cost) AS expense_cost,
    SUM(work.time_cost) AS time_cost,
    MAX(account.currency) AS time_cost_currency,
    SUM(work.hours_without_rate) AS hours_without_rate,
    SUM(work.hours_without_cost) AS hours_without_cost
  FROM {{ ref('fact_revenue_and_cost') }} AS work
  CROSS JOIN (SELECT MAX(currency) AS currency FROM {{ ref('stg_harvest__company') }} AS company) AS account
  CROSS JOIN {{ ref('report_day') }} AS report
  WHERE work.day <= report.today AND work.day > {{ harvest_lake.plus_months("report.today", "-12") }}
  GROUP BY work.client_id, work.project_id, work.currency
) AS sums
ORDER BY client, project, project_id
