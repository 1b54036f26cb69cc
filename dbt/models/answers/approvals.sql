{# Written by dbt/generate.py; do not edit. From infra/queries/approvals.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'projects', 'time_entries', 'users'])) }}
SELECT
  entries.user_id,
  MAX(entries.person) AS person,
  SUM(CASE WHEN entries.approval_status = 'approved' THEN entries.hours ELSE 0 END) AS approved_hours,
  SUM(CASE WHEN entries.approval_status = 'submitted' THEN entries.hours ELSE 0 END) AS submitted_hours,
  SUM(CASE WHEN entries.approval_status IN ('approved', 'submitted') THEN 0 ELSE entries.hours END) AS not_submitted_hours,
  MIN(CASE WHEN entries.approval_status IN ('approved', 'submitted') THEN NULL ELSE entries.day END) AS oldest_not_submitted
FROM {{ ref('fact_time') }} AS entries
CROSS JOIN {{ ref('report_day') }} AS report
JOIN {{ ref('dim_days') }} AS present ON present.day = report.today
WHERE NOT entries.is_future
  AND entries.week_start < present.week_start
  AND {{ harvest_lake.days("entries.week_start", "present.week_start") }} <= 28
GROUP BY entries.user_id
ORDER BY person, user_id
