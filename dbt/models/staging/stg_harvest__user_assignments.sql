{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['user_assignments'])) }}
SELECT
  id,
  project_id,
  project_name,
  project_code,
  user_id,
  user_name,
  is_active,
  is_project_manager,
  use_default_rates,
  hourly_rate,
  budget,
  {{ harvest_lake.in_utc("created_at") }} AS created_at,
  {{ harvest_lake.in_utc("updated_at") }} AS updated_at,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json
FROM {{ source('harvest_lake', 'user_assignments') }}
