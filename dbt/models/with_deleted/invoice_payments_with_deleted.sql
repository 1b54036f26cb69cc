{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'invoice_payments', 'invoice_payments_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, amount, paid_at, paid_date, recorded_by, recorded_by_email, notes, transaction_id, payment_gateway_id, payment_gateway_name, created_at, updated_at, invoice_id, account_id, synced_at, extra_json, created_year, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__invoice_payments') }} AS invoice_payments
UNION ALL
SELECT id, amount, paid_at, paid_date, recorded_by, recorded_by_email, notes, transaction_id, payment_gateway_id, payment_gateway_name, created_at, updated_at, invoice_id, account_id, synced_at, extra_json, created_year, changed_at AS deleted_at
FROM (
  SELECT id, amount, paid_at, paid_date, recorded_by, recorded_by_email, notes, transaction_id, payment_gateway_id, payment_gateway_name, created_at, updated_at, invoice_id, account_id, synced_at, extra_json, created_year, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__invoice_payments_changes') }} AS invoice_payments_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
