{# Written by dbt/generate.py; do not edit. From infra/queries/realisation.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'invoice_item_categories', 'invoices', 'projects', 'time_entries', 'users'])) }}
SELECT
  worked.client_id,
  MAX(worked.client) AS client,
  worked.project_id,
  MAX(worked.project) AS project,
  worked.currency,
  CASE WHEN MAX(CASE WHEN worked.is_fixed_fee THEN 1 ELSE 0 END) = 1 THEN 'fixed fee' ELSE 'time and materials' END AS kind,
  SUM(worked.rounded_hours) AS rounded_hours,
  SUM(CASE WHEN worked.is_rate_missing THEN worked.rounded_hours ELSE 0 END) AS hours_without_rate,
  SUM(COALESCE(worked.fixed_fee_at_rates, worked.billable_amount, 0)) AS amount_at_rates,
  MAX(invoiced.amount) AS invoiced_amount,
  {{ harvest_lake.ratio("MAX(invoiced.amount)", "SUM(worked.rounded_hours)") }} AS effective_rate,
  {{ harvest_lake.percent("MAX(invoiced.amount)", "SUM(COALESCE(worked.fixed_fee_at_rates, worked.billable_amount, 0))") }} AS realisation_percent
FROM {{ ref('fact_time') }} AS worked
JOIN (
  SELECT project_id, SUM(amount) AS amount
  FROM {{ ref('fact_invoice_lines') }} AS fact_invoice_lines
  WHERE NOT is_expense AND state <> 'draft' AND project_id IS NOT NULL
  GROUP BY project_id
) AS invoiced ON invoiced.project_id = worked.project_id
WHERE worked.is_billable AND NOT worked.is_future AND (worked.is_fixed_fee OR worked.is_invoiced)
GROUP BY worked.client_id, worked.project_id, worked.currency
ORDER BY client, project, project_id
