{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'time_report_projects', 'time_report_projects_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT client_id, client_name, project_id, project_name, total_hours, billable_hours, currency, billable_amount, period_start, period_end, account_id, synced_at, extra_json, period_year, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__time_report_projects') }} AS time_report_projects
UNION ALL
SELECT client_id, client_name, project_id, project_name, total_hours, billable_hours, currency, billable_amount, period_start, period_end, account_id, synced_at, extra_json, period_year, changed_at AS deleted_at
FROM (
  SELECT client_id, client_name, project_id, project_name, total_hours, billable_hours, currency, billable_amount, period_start, period_end, account_id, synced_at, extra_json, period_year, op, changed_at, ROW_NUMBER() OVER (PARTITION BY period_start, period_end, project_id, currency ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__time_report_projects_changes') }} AS time_report_projects_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
