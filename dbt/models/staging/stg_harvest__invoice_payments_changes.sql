{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['changes', 'invoice_payments_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT
  op,
  {{ harvest_lake.in_utc("changed_at") }} AS changed_at,
  sequence,
  id,
  amount,
  {{ harvest_lake.in_utc("paid_at") }} AS paid_at,
  paid_date,
  recorded_by,
  recorded_by_email,
  notes,
  transaction_id,
  payment_gateway_id,
  payment_gateway_name,
  {{ harvest_lake.in_utc("created_at") }} AS created_at,
  {{ harvest_lake.in_utc("updated_at") }} AS updated_at,
  invoice_id,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json,
  created_year,
  changed_month
FROM {{ source('harvest_lake', 'invoice_payments_changes') }}
