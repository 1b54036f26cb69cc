-- One row for each version of a client, from valid_from until valid_to; the first version counts from the client's creation.
SELECT
  -- bigint: Id of the client.
  versions.id AS client_id,
  -- varchar: Name of the client.
  versions.name AS client,
  -- boolean: False for archived clients.
  versions.is_active AS is_active,
  -- varchar: Currency of its work and invoices.
  versions.currency AS currency,
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
  FROM clients_changes
) AS versions
WHERE versions.op <> 'D'
