{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'user_billable_rates', 'user_billable_rates_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, amount, start_date, end_date, created_at, updated_at, user_id, account_id, synced_at, extra_json, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__user_billable_rates') }} AS user_billable_rates
UNION ALL
SELECT id, amount, start_date, end_date, created_at, updated_at, user_id, account_id, synced_at, extra_json, changed_at AS deleted_at
FROM (
  SELECT id, amount, start_date, end_date, created_at, updated_at, user_id, account_id, synced_at, extra_json, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__user_billable_rates_changes') }} AS user_billable_rates_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
