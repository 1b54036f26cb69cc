-- Hours by person and week of the last three months (weeks begin on Monday), billable and not.
-- Running timers count with what they have so far.
SELECT
  DATE_TRUNC('week', spent_date) AS week,
  user_id,
  MAX(user_name) AS person,
  SUM(hours) AS hours,
  SUM(CASE WHEN billable THEN hours ELSE 0 END) AS billable_hours,
  SUM(CASE WHEN billable THEN 0 ELSE hours END) AS other_hours
FROM time_entries
WHERE spent_date >= DATE_ADD('month', -3, CURRENT_DATE)
GROUP BY DATE_TRUNC('week', spent_date), user_id
ORDER BY week DESC, person, user_id
