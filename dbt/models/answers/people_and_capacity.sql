{# Written by dbt/generate.py; do not edit. From infra/queries/people_and_capacity.sql. #}
{{ config(enabled=harvest_lake.has(['changes', 'clients', 'company', 'projects', 'time_entries', 'users', 'users_changes'])) }}
SELECT
  both_sides.user_id,
  MAX(both_sides.person) AS person,
  SUM(both_sides.capacity_hours) AS capacity_hours,
  SUM(both_sides.rounded_hours) AS rounded_hours,
  SUM(both_sides.rounded_hours) - SUM(both_sides.capacity_hours) AS hours_above_capacity,
  CASE
    WHEN SUM(both_sides.rounded_hours) * 10 > SUM(both_sides.capacity_hours) * 11 THEN 'above'
    WHEN SUM(both_sides.rounded_hours) * 10 < SUM(both_sides.capacity_hours) * 9 THEN 'below'
    ELSE 'as much'
  END AS compared,
  SUM(both_sides.planned_hours) AS planned_hours
FROM (
  SELECT user_id, person, week_start, capacity_hours, CAST(0 AS DECIMAL(18, 6)) AS rounded_hours,
    CAST(0 AS DECIMAL(18, 6)) AS planned_hours, FALSE AS is_future
  FROM {{ ref('fact_capacity') }} AS fact_capacity
  UNION ALL
  SELECT user_id, person, week_start, CAST(0 AS DECIMAL(18, 6)) AS capacity_hours,
    CASE WHEN is_future THEN CAST(0 AS DECIMAL(18, 6)) ELSE rounded_hours END AS rounded_hours,
    CASE WHEN is_future THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS planned_hours,
    is_future
  FROM {{ ref('fact_time') }} AS fact_time
) AS both_sides
CROSS JOIN {{ ref('report_day') }} AS report
JOIN {{ ref('dim_days') }} AS present ON present.day = report.today
WHERE both_sides.is_future OR {{ harvest_lake.days("both_sides.week_start", "present.week_start") }} = 7
GROUP BY both_sides.user_id
ORDER BY person, user_id
