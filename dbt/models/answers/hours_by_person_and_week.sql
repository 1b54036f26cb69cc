{# Written by dbt/generate.py; do not edit. From infra/queries/hours_by_person_and_week.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'projects', 'time_entries', 'users'])) }}
SELECT
  entries.week_start,
  entries.user_id,
  MAX(entries.person) AS person,
  SUM(entries.hours) AS hours,
  SUM(entries.rounded_hours) AS rounded_hours,
  SUM(CASE WHEN entries.is_billable THEN entries.rounded_hours ELSE 0 END) AS billable_rounded_hours,
  SUM(CASE WHEN entries.is_billable THEN 0 ELSE entries.rounded_hours END) AS other_rounded_hours
FROM {{ ref('fact_time') }} AS entries
CROSS JOIN {{ ref('report_day') }} AS report
WHERE NOT entries.is_future AND {{ harvest_lake.days("entries.week_start", "report.today") }} <= 91
GROUP BY entries.week_start, entries.user_id
ORDER BY week_start DESC, person, user_id
