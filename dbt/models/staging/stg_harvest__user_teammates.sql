{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['user_teammates'])) }}
SELECT
  id,
  first_name,
  last_name,
  email,
  user_id,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json
FROM {{ source('harvest_lake', 'user_teammates') }}
