{# Written by dbt/generate.py; do not edit. From infra/queries/hours_by_role.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'projects', 'roles', 'time_entries', 'users'])) }}
SELECT
  roles.role_name AS role,
  COUNT(DISTINCT entries.user_id) AS people,
  SUM(entries.rounded_hours) AS rounded_hours,
  SUM(CASE WHEN entries.is_billable THEN entries.rounded_hours ELSE 0 END) AS billable_rounded_hours,
  {{ harvest_lake.percent("SUM(CASE WHEN entries.is_billable THEN entries.rounded_hours ELSE 0 END)", "SUM(entries.rounded_hours)") }} AS billable_percent
FROM {{ ref('fact_time') }} AS entries
CROSS JOIN {{ ref('report_day') }} AS report
LEFT JOIN {{ ref('role_users') }} AS roles ON roles.user_id = entries.user_id
WHERE NOT entries.is_future AND EXTRACT(YEAR FROM entries.day) = EXTRACT(YEAR FROM report.today)
GROUP BY roles.role_name
ORDER BY role
