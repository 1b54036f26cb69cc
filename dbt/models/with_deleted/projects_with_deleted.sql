{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'projects', 'projects_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, client_id, client_name, client_currency, name, code, is_active, is_billable, is_fixed_fee, bill_by, hourly_rate, budget, budget_by, budget_is_monthly, notify_when_over_budget, over_budget_notification_percentage, over_budget_notification_date, show_budget_to_all, cost_budget, cost_budget_include_expenses, fee, notes, starts_on, ends_on, currency, created_at, updated_at, account_id, synced_at, extra_json, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__projects') }} AS projects
UNION ALL
SELECT id, client_id, client_name, client_currency, name, code, is_active, is_billable, is_fixed_fee, bill_by, hourly_rate, budget, budget_by, budget_is_monthly, notify_when_over_budget, over_budget_notification_percentage, over_budget_notification_date, show_budget_to_all, cost_budget, cost_budget_include_expenses, fee, notes, starts_on, ends_on, currency, created_at, updated_at, account_id, synced_at, extra_json, changed_at AS deleted_at
FROM (
  SELECT id, client_id, client_name, client_currency, name, code, is_active, is_billable, is_fixed_fee, bill_by, hourly_rate, budget, budget_by, budget_is_monthly, notify_when_over_budget, over_budget_notification_percentage, over_budget_notification_date, show_budget_to_all, cost_budget, cost_budget_include_expenses, fee, notes, starts_on, ends_on, currency, created_at, updated_at, account_id, synced_at, extra_json, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__projects_changes') }} AS projects_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
