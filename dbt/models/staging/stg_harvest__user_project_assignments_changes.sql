{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['changes', 'user_project_assignments_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT
  op,
  {{ harvest_lake.in_utc("changed_at") }} AS changed_at,
  sequence,
  id,
  is_active,
  is_project_manager,
  use_default_rates,
  hourly_rate,
  budget,
  project_id,
  project_name,
  project_code,
  project_is_billable,
  client_id,
  client_name,
  client_currency,
  {{ harvest_lake.records("task_assignments", "array(row(id bigint, billable boolean, is_active boolean, hourly_rate decimal(18,6), budget decimal(18,6), task_id bigint, task_name varchar, created_at timestamp(3), updated_at timestamp(3)))") }} AS task_assignments,
  {{ harvest_lake.in_utc("created_at") }} AS created_at,
  {{ harvest_lake.in_utc("updated_at") }} AS updated_at,
  user_id,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json,
  changed_month
FROM {{ source('harvest_lake', 'user_project_assignments_changes') }}
