{# Written by dbt/generate.py; do not edit. From infra/model/fact_payments.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'invoice_payments', 'invoices'])) }}
SELECT
  payments.id AS payment_id,
  payments.invoice_id AS invoice_id,
  invoices.number AS number,
  invoices.client_id AS client_id,
  invoices.client_name AS client,
  payments.paid_date AS day,
  CAST(DATE_TRUNC('month', payments.paid_date) AS DATE) AS month_start,
  COALESCE(invoices.currency, clients.currency) AS currency,
  payments.amount AS amount
FROM {{ ref('stg_harvest__invoice_payments') }} AS payments
LEFT JOIN {{ ref('stg_harvest__invoices') }} AS invoices ON invoices.id = payments.invoice_id
LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = invoices.client_id
