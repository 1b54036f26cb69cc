{# Written by dbt/generate.py; do not edit. From infra/model/dim_tasks.sql. #}
{{ config(enabled=harvest_lake.has(['changes', 'tasks_changes'])) }}
SELECT
  versions.id AS task_id,
  versions.name AS task,
  versions.is_active AS is_active,
  versions.billable_by_default AS billable_by_default,
  versions.default_hourly_rate AS default_hourly_rate,
  {{ harvest_lake.instant("COALESCE(versions.first_created_at, versions.changed_at)") }} AS valid_from,
  {{ harvest_lake.instant("versions.next_changed_at") }} AS valid_to,
  versions.next_changed_at IS NULL AS is_current
FROM (
  SELECT *,
    CASE WHEN ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence) = 1 THEN created_at END AS first_created_at,
    LEAD(changed_at) OVER (PARTITION BY id ORDER BY sequence) AS next_changed_at
  FROM {{ ref('stg_harvest__tasks_changes') }} AS tasks_changes
) AS versions
WHERE versions.op <> 'D'
