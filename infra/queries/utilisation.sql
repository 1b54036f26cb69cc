-- Question: how much of their capacity did people work in the last four whole weeks, in total and billable?
-- Assumptions: rounded hours, as in Harvest's reports; a fifth of the weekly capacity on each day from Monday to Friday, at
-- the capacity that was in force, from the day on which a person was added; archived people count until they were archived.
-- Capacities are known since the tables of changes began; the oldest known one stands for the time before.
-- Harvest cannot tell: leave and holidays.
SELECT
  -- Id of the person.
  both_sides.user_id,
  -- Name of the person.
  MAX(both_sides.person) AS person,
  -- False if the person is archived now.
  MAX(CASE WHEN people.is_active THEN 1 ELSE 0 END) = 1 AS is_active,
  -- Capacity of the four weeks in hours.
  SUM(both_sides.capacity_hours) AS capacity_hours,
  -- Rounded hours of the entries.
  SUM(both_sides.rounded_hours) AS rounded_hours,
  -- Rounded hours of billable entries.
  SUM(both_sides.billable_hours) AS billable_rounded_hours,
  -- Rounded hours as share of the capacity, in percent.
  {{percent(SUM(both_sides.rounded_hours); SUM(both_sides.capacity_hours))}} AS utilisation_percent,
  -- Billable rounded hours as share of the capacity, in percent.
  {{percent(SUM(both_sides.billable_hours); SUM(both_sides.capacity_hours))}} AS billable_percent
FROM (
  SELECT user_id, person, week_start, capacity_hours,
    CAST(0 AS DECIMAL(18, 6)) AS rounded_hours, CAST(0 AS DECIMAL(18, 6)) AS billable_hours
  FROM fact_capacity
  UNION ALL
  SELECT user_id, person, week_start, CAST(0 AS DECIMAL(18, 6)) AS capacity_hours,
    rounded_hours, CASE WHEN is_billable THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS billable_hours
  FROM fact_time
  WHERE NOT is_future
) AS both_sides
CROSS JOIN report_day AS report
JOIN dim_days AS present ON present.day = report.today
LEFT JOIN users AS people ON people.id = both_sides.user_id
WHERE both_sides.week_start < present.week_start
  AND {{days(both_sides.week_start; present.week_start)}} <= 28
GROUP BY both_sides.user_id
ORDER BY person, user_id
