{# Written by dbt/generate.py; do not edit. From infra/model/fact_invoices.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'invoices'])) }}
SELECT
  invoices.id AS invoice_id,
  invoices.number AS number,
  invoices.client_id AS client_id,
  invoices.client_name AS client,
  COALESCE(invoices.currency, clients.currency) AS currency,
  invoices.state AS state,
  invoices.issue_date AS issue_date,
  invoices.due_date AS due_date,
  invoices.paid_date AS paid_date,
  CAST(invoices.closed_at AS DATE) AS closed_on,
  invoices.amount AS amount,
  CAST(invoices.amount - COALESCE(invoices.tax_amount, 0) - COALESCE(invoices.tax2_amount, 0) AS DECIMAL(18, 4)) AS net_amount,
  invoices.due_amount AS due_amount,
  invoices.retainer_id IS NOT NULL AS is_retainer
FROM {{ ref('stg_harvest__invoices') }} AS invoices
LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = invoices.client_id
