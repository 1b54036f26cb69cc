{# Written by dbt/generate.py; do not edit. From infra/queries/invoice_ageing.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'invoices'])) }}
SELECT
  invoices.client_id,
  MAX(invoices.client) AS client,
  invoices.currency,
  COUNT(*) AS invoices,
  SUM(invoices.due_amount) AS due,
  SUM(CASE WHEN invoices.due_amount < 0 THEN invoices.due_amount ELSE 0 END) AS credit_notes,
  SUM(CASE WHEN invoices.due_date IS NULL OR invoices.due_date >= report.today THEN invoices.due_amount ELSE 0 END)
    AS not_due_yet,
  SUM(CASE WHEN {{ harvest_lake.days("invoices.due_date", "report.today") }} BETWEEN 1 AND 30 THEN invoices.due_amount ELSE 0 END) AS days_1_to_30,
  SUM(CASE WHEN {{ harvest_lake.days("invoices.due_date", "report.today") }} BETWEEN 31 AND 60 THEN invoices.due_amount ELSE 0 END) AS days_31_to_60,
  SUM(CASE WHEN {{ harvest_lake.days("invoices.due_date", "report.today") }} BETWEEN 61 AND 90 THEN invoices.due_amount ELSE 0 END) AS days_61_to_90,
  SUM(CASE WHEN {{ harvest_lake.days("invoices.due_date", "report.today") }} > 90 THEN invoices.due_amount ELSE 0 END) AS over_90_days
FROM {{ ref('fact_invoices') }} AS invoices
CROSS JOIN {{ ref('report_day') }} AS report
WHERE invoices.state = 'open' AND invoices.due_amount <> 0
GROUP BY invoices.client_id, invoices.currency
ORDER BY due DESC, client_id
