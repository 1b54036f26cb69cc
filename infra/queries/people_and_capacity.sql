-- Question: who worked more or less than their capacity in the last whole week, and what do they have planned for later?
-- Assumptions: rounded hours, capacity as in utilisation; up to a tenth more or less counts as as much; planned are all entries
-- of days after today.
-- Harvest cannot tell: leave, holidays and bookings.
SELECT
  -- Id of the person.
  both_sides.user_id,
  -- Name of the person.
  MAX(both_sides.person) AS person,
  -- Capacity of the week in hours.
  SUM(both_sides.capacity_hours) AS capacity_hours,
  -- Rounded hours of the week.
  SUM(both_sides.rounded_hours) AS rounded_hours,
  -- Rounded hours less capacity; negative below it.
  SUM(both_sides.rounded_hours) - SUM(both_sides.capacity_hours) AS hours_above_capacity,
  -- above, below or as much, which is up to a tenth more or less.
  CASE
    WHEN SUM(both_sides.rounded_hours) * 10 > SUM(both_sides.capacity_hours) * 11 THEN 'above'
    WHEN SUM(both_sides.rounded_hours) * 10 < SUM(both_sides.capacity_hours) * 9 THEN 'below'
    ELSE 'as much'
  END AS compared,
  -- Rounded hours of all days after today.
  SUM(both_sides.planned_hours) AS planned_hours
FROM (
  SELECT user_id, person, week_start, capacity_hours, CAST(0 AS DECIMAL(18, 6)) AS rounded_hours,
    CAST(0 AS DECIMAL(18, 6)) AS planned_hours, FALSE AS is_future
  FROM fact_capacity
  UNION ALL
  SELECT user_id, person, week_start, CAST(0 AS DECIMAL(18, 6)) AS capacity_hours,
    CASE WHEN is_future THEN CAST(0 AS DECIMAL(18, 6)) ELSE rounded_hours END AS rounded_hours,
    CASE WHEN is_future THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS planned_hours,
    is_future
  FROM fact_time
) AS both_sides
CROSS JOIN report_day AS report
JOIN dim_days AS present ON present.day = report.today
WHERE both_sides.is_future OR {{days(both_sides.week_start; present.week_start)}} = 7
GROUP BY both_sides.user_id
ORDER BY person, user_id
