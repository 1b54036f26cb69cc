{# Written by dbt/generate.py; do not edit. From infra/model/dim_people.sql. #}
{{ config(enabled=harvest_lake.has(['changes', 'users_changes'])) }}
SELECT
  versions.id AS user_id,
  CONCAT(COALESCE(versions.first_name, ''), ' ', COALESCE(versions.last_name, '')) AS person,
  versions.is_active AS is_active,
  versions.is_contractor AS is_contractor,
  CAST(CAST(versions.weekly_capacity AS DOUBLE) / 3600 AS DECIMAL(18, 6)) AS weekly_capacity,
  versions.default_hourly_rate AS default_hourly_rate,
  versions.cost_rate AS cost_rate,
  {{ harvest_lake.instant("COALESCE(versions.first_created_at, versions.changed_at)") }} AS valid_from,
  {{ harvest_lake.instant("versions.next_changed_at") }} AS valid_to,
  versions.next_changed_at IS NULL AS is_current
FROM (
  SELECT *,
    CASE WHEN ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence) = 1 THEN created_at END AS first_created_at,
    LEAD(changed_at) OVER (PARTITION BY id ORDER BY sequence) AS next_changed_at
  FROM {{ ref('stg_harvest__users_changes') }} AS users_changes
) AS versions
WHERE versions.op <> 'D'
