{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'project_budget_report', 'project_budget_report_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT client_id, client_name, project_id, project_name, budget_is_monthly, budget_by, is_active, budget, budget_spent, budget_remaining, account_id, synced_at, extra_json, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__project_budget_report') }} AS project_budget_report
UNION ALL
SELECT client_id, client_name, project_id, project_name, budget_is_monthly, budget_by, is_active, budget, budget_spent, budget_remaining, account_id, synced_at, extra_json, changed_at AS deleted_at
FROM (
  SELECT client_id, client_name, project_id, project_name, budget_is_monthly, budget_by, is_active, budget, budget_spent, budget_remaining, account_id, synced_at, extra_json, op, changed_at, ROW_NUMBER() OVER (PARTITION BY project_id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__project_budget_report_changes') }} AS project_budget_report_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
