{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['project_budget_report'])) }}
SELECT
  client_id,
  client_name,
  project_id,
  project_name,
  budget_is_monthly,
  budget_by,
  is_active,
  budget,
  budget_spent,
  budget_remaining,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json
FROM {{ source('harvest_lake', 'project_budget_report') }}
