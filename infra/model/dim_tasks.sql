-- One row for each version of a task, from valid_from until valid_to; the first version counts from the task's creation.
SELECT
  -- bigint: Id of the task.
  versions.id AS task_id,
  -- varchar: Name of the task.
  versions.name AS task,
  -- boolean: False for archived tasks.
  versions.is_active AS is_active,
  -- boolean: Whether it is billable on new projects.
  versions.billable_by_default AS billable_by_default,
  -- decimal(18,6): Rate per hour on new projects, in the currency of each client.
  versions.default_hourly_rate AS default_hourly_rate,
  -- timestamp: Beginning of the version, UTC.
  {{instant(COALESCE(versions.first_created_at, versions.changed_at))}} AS valid_from,
  -- timestamp: End of the version, UTC; null for the present one.
  {{instant(versions.next_changed_at)}} AS valid_to,
  -- boolean: Whether it is the present version.
  versions.next_changed_at IS NULL AS is_current
FROM (
  SELECT *,
    CASE WHEN ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence) = 1 THEN created_at END AS first_created_at,
    LEAD(changed_at) OVER (PARTITION BY id ORDER BY sequence) AS next_changed_at
  FROM tasks_changes
) AS versions
WHERE versions.op <> 'D'
