{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['changes', 'user_teammates_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT
  op,
  {{ harvest_lake.in_utc("changed_at") }} AS changed_at,
  sequence,
  id,
  first_name,
  last_name,
  email,
  user_id,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json,
  changed_month
FROM {{ source('harvest_lake', 'user_teammates_changes') }}
