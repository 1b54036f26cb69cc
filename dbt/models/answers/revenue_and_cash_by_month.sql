{# Written by dbt/generate.py; do not edit. From infra/queries/revenue_and_cash_by_month.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'invoice_payments', 'invoices'])) }}
SELECT
  flows.month_start,
  flows.currency,
  SUM(flows.invoiced) AS invoiced,
  SUM(flows.invoiced_net) AS invoiced_without_taxes,
  SUM(flows.written_off) AS written_off,
  SUM(flows.paid) AS paid
FROM (
  SELECT issue_date AS day, CAST(DATE_TRUNC('month', issue_date) AS DATE) AS month_start, currency,
    amount AS invoiced, net_amount AS invoiced_net, CAST(0 AS DECIMAL(18, 4)) AS written_off, CAST(0 AS DECIMAL(18, 4)) AS paid
  FROM {{ ref('fact_invoices') }} AS fact_invoices
  WHERE state <> 'draft'
  UNION ALL
  SELECT closed_on AS day, CAST(DATE_TRUNC('month', closed_on) AS DATE) AS month_start, currency,
    CAST(0 AS DECIMAL(18, 4)) AS invoiced, CAST(0 AS DECIMAL(18, 4)) AS invoiced_net,
    due_amount AS written_off, CAST(0 AS DECIMAL(18, 4)) AS paid
  FROM {{ ref('fact_invoices') }} AS fact_invoices
  WHERE state = 'closed' AND due_amount <> 0
  UNION ALL
  SELECT day, month_start, currency,
    CAST(0 AS DECIMAL(18, 4)) AS invoiced, CAST(0 AS DECIMAL(18, 4)) AS invoiced_net,
    CAST(0 AS DECIMAL(18, 4)) AS written_off, amount AS paid
  FROM {{ ref('fact_payments') }} AS fact_payments
) AS flows
CROSS JOIN {{ ref('report_day') }} AS report
WHERE flows.day IS NULL
  OR (flows.day <= report.today
    AND flows.day >= {{ harvest_lake.plus_months("CAST(DATE_TRUNC('month', report.today) AS DATE)", "-11") }})
GROUP BY flows.month_start, flows.currency
ORDER BY month_start DESC, currency
