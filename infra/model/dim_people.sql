-- One row for each version of a person: what was known of them from valid_from until valid_to. The first version counts from
-- the day on which the person was added to Harvest, because nothing older is known.
SELECT
  -- bigint: Id of the person.
  versions.id AS user_id,
  -- varchar: First and last name.
  CONCAT(COALESCE(versions.first_name, ''), ' ', COALESCE(versions.last_name, '')) AS person,
  -- boolean: False for archived people.
  versions.is_active AS is_active,
  -- boolean: Whether the person is a contractor.
  versions.is_contractor AS is_contractor,
  -- decimal(18,6): Capacity in hours per week.
  CAST(CAST(versions.weekly_capacity AS DOUBLE) / 3600 AS DECIMAL(18, 6)) AS weekly_capacity,
  -- decimal(18,6): Billable rate per hour, without currency: in that of each client.
  versions.default_hourly_rate AS default_hourly_rate,
  -- decimal(18,6): Cost per hour in the account's own currency.
  versions.cost_rate AS cost_rate,
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
  FROM users_changes
) AS versions
WHERE versions.op <> 'D'
