-- Question: who has tracked less than their capacity in a week of the last four whole ones?
-- Assumptions: tracked hours, not rounded; capacity as in utilisation; only people who are active now.
-- Harvest cannot tell: leave and holidays, which look like missing hours.
SELECT
  -- First day of the week, by company.week_start_day.
  both_sides.week_start,
  -- Id of the person.
  both_sides.user_id,
  -- Name of the person.
  MAX(both_sides.person) AS person,
  -- Capacity of the week in hours.
  SUM(both_sides.capacity_hours) AS capacity_hours,
  -- Hours as tracked.
  SUM(both_sides.hours) AS hours,
  -- Capacity less tracked hours.
  SUM(both_sides.capacity_hours) - SUM(both_sides.hours) AS missing_hours
FROM (
  SELECT user_id, person, week_start, capacity_hours, CAST(0 AS DECIMAL(18, 6)) AS hours FROM fact_capacity
  UNION ALL
  SELECT user_id, person, week_start, CAST(0 AS DECIMAL(18, 6)) AS capacity_hours, hours FROM fact_time WHERE NOT is_future
) AS both_sides
CROSS JOIN report_day AS report
JOIN dim_days AS present ON present.day = report.today
JOIN users AS people ON people.id = both_sides.user_id AND people.is_active
WHERE both_sides.week_start < present.week_start
  AND {{days(both_sides.week_start; present.week_start)}} <= 28
GROUP BY both_sides.week_start, both_sides.user_id
HAVING SUM(both_sides.hours) < SUM(both_sides.capacity_hours)
ORDER BY week_start DESC, person, user_id
