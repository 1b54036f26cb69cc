{# Written by dbt/generate.py; do not edit. From infra/queries/days_to_pay.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'invoices'])) }}
SELECT
  invoices.client_id,
  MAX(invoices.client) AS client,
  invoices.currency,
  COUNT(*) AS invoices,
  SUM(invoices.amount) AS amount,
  {{ harvest_lake.ratio("SUM(" ~ harvest_lake.days("invoices.issue_date", "invoices.paid_date") ~ ")", "COUNT(*)") }} AS days_to_pay,
  MAX({{ harvest_lake.days("invoices.issue_date", "invoices.paid_date") }}) AS longest_days,
  {{ harvest_lake.ratio("SUM(" ~ harvest_lake.days("invoices.due_date", "invoices.paid_date") ~ ")", "COUNT(invoices.due_date)") }} AS days_after_due
FROM {{ ref('fact_invoices') }} AS invoices
CROSS JOIN {{ ref('report_day') }} AS report
WHERE invoices.state = 'paid' AND invoices.amount > 0 AND invoices.issue_date IS NOT NULL
  AND invoices.paid_date <= report.today
  AND invoices.issue_date > {{ harvest_lake.plus_months("report.today", "-12") }}
GROUP BY invoices.client_id, invoices.currency
ORDER BY days_to_pay DESC, client_id
