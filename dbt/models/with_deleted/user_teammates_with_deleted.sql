{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'user_teammates', 'user_teammates_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, first_name, last_name, email, user_id, account_id, synced_at, extra_json, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__user_teammates') }} AS user_teammates
UNION ALL
SELECT id, first_name, last_name, email, user_id, account_id, synced_at, extra_json, changed_at AS deleted_at
FROM (
  SELECT id, first_name, last_name, email, user_id, account_id, synced_at, extra_json, op, changed_at, ROW_NUMBER() OVER (PARTITION BY user_id, id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__user_teammates_changes') }} AS user_teammates_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
