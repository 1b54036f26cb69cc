{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'users', 'users_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, first_name, last_name, email, telephone, timezone, has_access_to_all_future_projects, is_contractor, is_active, weekly_capacity, default_hourly_rate, cost_rate, roles, access_roles, avatar_url, saml_exempt, employee_id, calendar_integration_enabled, calendar_integration_source, can_create_projects, permissions_claims, created_at, updated_at, account_id, synced_at, extra_json, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__users') }} AS users
UNION ALL
SELECT id, first_name, last_name, email, telephone, timezone, has_access_to_all_future_projects, is_contractor, is_active, weekly_capacity, default_hourly_rate, cost_rate, roles, access_roles, avatar_url, saml_exempt, employee_id, calendar_integration_enabled, calendar_integration_source, can_create_projects, permissions_claims, created_at, updated_at, account_id, synced_at, extra_json, changed_at AS deleted_at
FROM (
  SELECT id, first_name, last_name, email, telephone, timezone, has_access_to_all_future_projects, is_contractor, is_active, weekly_capacity, default_hourly_rate, cost_rate, roles, access_roles, avatar_url, saml_exempt, employee_id, calendar_integration_enabled, calendar_integration_source, can_create_projects, permissions_claims, created_at, updated_at, account_id, synced_at, extra_json, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__users_changes') }} AS users_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
