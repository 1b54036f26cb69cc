{# Written by dbt/generate.py; do not edit. From infra/queries/missing_timesheets.sql. #}
{{ config(enabled=harvest_lake.has(['changes', 'clients', 'company', 'projects', 'time_entries', 'users', 'users_changes'])) }}
SELECT
  both_sides.week_start,
  both_sides.user_id,
  MAX(both_sides.person) AS person,
  SUM(both_sides.capacity_hours) AS capacity_hours,
  SUM(both_sides.hours) AS hours,
  SUM(both_sides.capacity_hours) - SUM(both_sides.hours) AS missing_hours
FROM (
  SELECT user_id, person, week_start, capacity_hours, CAST(0 AS DECIMAL(18, 6)) AS hours FROM {{ ref('fact_capacity') }} AS fact_capacity
  UNION ALL
  SELECT user_id, person, week_start, CAST(0 AS DECIMAL(18, 6)) AS capacity_hours, hours FROM {{ ref('fact_time') }} AS fact_time WHERE NOT is_future
) AS both_sides
CROSS JOIN {{ ref('report_day') }} AS report
JOIN {{ ref('dim_days') }} AS present ON present.day = report.today
JOIN {{ ref('stg_harvest__users') }} AS people ON people.id = both_sides.user_id AND people.is_active
WHERE both_sides.week_start < present.week_start
  AND {{ harvest_lake.days("both_sides.week_start", "present.week_start") }} <= 28
GROUP BY both_sides.week_start, both_sides.user_id
HAVING SUM(both_sides.hours) < SUM(both_sides.capacity_hours)
ORDER BY week_start DESC, person, user_id
