{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'clients', 'clients_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, name, is_active, address, statement_key, currency, created_at, updated_at, account_id, synced_at, extra_json, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__clients') }} AS clients
UNION ALL
SELECT id, name, is_active, address, statement_key, currency, created_at, updated_at, account_id, synced_at, extra_json, changed_at AS deleted_at
FROM (
  SELECT id, name, is_active, address, statement_key, currency, created_at, updated_at, account_id, synced_at, extra_json, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__clients_changes') }} AS clients_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
