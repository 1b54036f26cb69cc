{# Written by dbt/generate.py; do not edit. From infra/model/dim_clients.sql. #}
{{ config(enabled=harvest_lake.has(['changes', 'clients_changes'])) }}
SELECT
  versions.id AS client_id,
  versions.name AS client,
  versions.is_active AS is_active,
  versions.currency AS currency,
  {{ harvest_lake.instant("COALESCE(versions.first_created_at, versions.changed_at)") }} AS valid_from,
  {{ harvest_lake.instant("versions.next_changed_at") }} AS valid_to,
  versions.next_changed_at IS NULL AS is_current
FROM (
  SELECT *,
    CASE WHEN ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence) = 1 THEN created_at END AS first_created_at,
    LEAD(changed_at) OVER (PARTITION BY id ORDER BY sequence) AS next_changed_at
  FROM {{ ref('stg_harvest__clients_changes') }} AS clients_changes
) AS versions
WHERE versions.op <> 'D'
