{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['tasks'])) }}
SELECT
  id,
  name,
  billable_by_default,
  default_hourly_rate,
  is_default,
  is_active,
  {{ harvest_lake.in_utc("created_at") }} AS created_at,
  {{ harvest_lake.in_utc("updated_at") }} AS updated_at,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json
FROM {{ source('harvest_lake', 'tasks') }}
