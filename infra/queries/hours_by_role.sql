-- Question: how many hours of this calendar year did the people of each role work?
-- Assumptions: rounded hours, no future work; roles as they are now; hours of a person with two roles are in both, those of
-- people without a role in a row without one.
-- Harvest cannot tell: in which of their roles people worked.
SELECT
  -- Name of the role; null for people without one.
  roles.role_name AS role,
  -- Number of people with hours.
  COUNT(DISTINCT entries.user_id) AS people,
  -- Rounded hours of the entries.
  SUM(entries.rounded_hours) AS rounded_hours,
  -- Rounded hours of billable entries.
  SUM(CASE WHEN entries.is_billable THEN entries.rounded_hours ELSE 0 END) AS billable_rounded_hours,
  -- Share of the rounded hours that is billable, in percent.
  {{percent(
    SUM(CASE WHEN entries.is_billable THEN entries.rounded_hours ELSE 0 END);
    SUM(entries.rounded_hours)
  )}} AS billable_percent
FROM fact_time AS entries
CROSS JOIN report_day AS report
LEFT JOIN role_users AS roles ON roles.user_id = entries.user_id
WHERE NOT entries.is_future AND EXTRACT(YEAR FROM entries.day) = EXTRACT(YEAR FROM report.today)
GROUP BY roles.role_name
ORDER BY role
