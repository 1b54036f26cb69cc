-- Utilisation of the last four whole weeks: hours against capacity, person by person. Harvest keeps
-- the weekly capacity in seconds; people without hours are shown, archived ones are not.
SELECT
  people.id AS user_id,
  CONCAT(COALESCE(people.first_name, ''), ' ', COALESCE(people.last_name, '')) AS person,
  people.is_contractor,
  CAST(people.weekly_capacity AS DECIMAL(18, 6)) / 3600 * 4 AS capacity_hours,
  COALESCE(SUM(entries.hours), 0) AS hours,
  COALESCE(SUM(CASE WHEN entries.billable THEN entries.hours ELSE 0 END), 0) AS billable_hours,
  100 * COALESCE(SUM(CASE WHEN entries.billable THEN entries.hours ELSE 0 END), 0)
    / NULLIF(CAST(people.weekly_capacity AS DECIMAL(18, 6)) / 3600 * 4, 0) AS billable_percent
FROM users AS people
LEFT JOIN time_entries AS entries
  ON entries.user_id = people.id
  AND entries.spent_date >= DATE_ADD('week', -4, DATE_TRUNC('week', CURRENT_DATE))
  AND entries.spent_date < DATE_TRUNC('week', CURRENT_DATE)
WHERE people.is_active
GROUP BY
  people.id, people.first_name, people.last_name, people.is_contractor, people.weekly_capacity
ORDER BY person, user_id
