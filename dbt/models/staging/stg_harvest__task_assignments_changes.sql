{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['changes', 'task_assignments_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT
  op,
  {{ harvest_lake.in_utc("changed_at") }} AS changed_at,
  sequence,
  id,
  project_id,
  project_name,
  project_code,
  task_id,
  task_name,
  is_active,
  billable,
  hourly_rate,
  budget,
  {{ harvest_lake.in_utc("created_at") }} AS created_at,
  {{ harvest_lake.in_utc("updated_at") }} AS updated_at,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json,
  changed_month
FROM {{ source('harvest_lake', 'task_assignments_changes') }}
