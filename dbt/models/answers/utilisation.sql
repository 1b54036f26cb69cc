{# Written by dbt/generate.py; do not edit. From infra/queries/utilisation.sql. #}
{{ config(enabled=harvest_lake.has(['changes', 'clients', 'company', 'projects', 'time_entries', 'users', 'users_changes'])) }}
SELECT
  both_sides.user_id,
  MAX(both_sides.person) AS person,
  MAX(CASE WHEN people.is_active THEN 1 ELSE 0 END) = 1 AS is_active,
  SUM(both_sides.capacity_hours) AS capacity_hours,
  SUM(both_sides.rounded_hours) AS rounded_hours,
  SUM(both_sides.billable_hours) AS billable_rounded_hours,
  {{ harvest_lake.percent("SUM(both_sides.rounded_hours)", "SUM(both_sides.capacity_hours)") }} AS utilisation_percent,
  {{ harvest_lake.percent("SUM(both_sides.billable_hours)", "SUM(both_sides.capacity_hours)") }} AS billable_percent
FROM (
  SELECT user_id, person, week_start, capacity_hours,
    CAST(0 AS DECIMAL(18, 6)) AS rounded_hours, CAST(0 AS DECIMAL(18, 6)) AS billable_hours
  FROM {{ ref('fact_capacity') }} AS fact_capacity
  UNION ALL
  SELECT user_id, person, week_start, CAST(0 AS DECIMAL(18, 6)) AS capacity_hours,
    rounded_hours, CASE WHEN is_billable THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS billable_hours
  FROM {{ ref('fact_time') }} AS fact_time
  WHERE NOT is_future
) AS both_sides
CROSS JOIN {{ ref('report_day') }} AS report
JOIN {{ ref('dim_days') }} AS present ON present.day = report.today
LEFT JOIN {{ ref('stg_harvest__users') }} AS people ON people.id = both_sides.user_id
WHERE both_sides.week_start < present.week_start
  AND {{ harvest_lake.days("both_sides.week_start", "present.week_start") }} <= 28
GROUP BY both_sides.user_id
ORDER BY person, user_id
