{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'user_project_assignments', 'user_project_assignments_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, is_active, is_project_manager, use_default_rates, hourly_rate, budget, project_id, project_name, project_code, project_is_billable, client_id, client_name, client_currency, task_assignments, created_at, updated_at, user_id, account_id, synced_at, extra_json, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__user_project_assignments') }} AS user_project_assignments
UNION ALL
SELECT id, is_active, is_project_manager, use_default_rates, hourly_rate, budget, project_id, project_name, project_code, project_is_billable, client_id, client_name, client_currency, task_assignments, created_at, updated_at, user_id, account_id, synced_at, extra_json, changed_at AS deleted_at
FROM (
  SELECT id, is_active, is_project_manager, use_default_rates, hourly_rate, budget, project_id, project_name, project_code, project_is_billable, client_id, client_name, client_currency, task_assignments, created_at, updated_at, user_id, account_id, synced_at, extra_json, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__user_project_assignments_changes') }} AS user_project_assignments_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
