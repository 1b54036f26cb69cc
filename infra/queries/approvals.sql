-- Question: whose hours of the last four whole weeks wait to be handed in or approved?
-- Assumptions: tracked hours, not rounded; it says something only where the account uses approvals.
-- Harvest cannot tell: who approved hours, and when.
SELECT
  -- Id of the person.
  entries.user_id,
  -- Name of the person.
  MAX(entries.person) AS person,
  -- Tracked hours that are approved.
  SUM(CASE WHEN entries.approval_status = 'approved' THEN entries.hours ELSE 0 END) AS approved_hours,
  -- Tracked hours that are handed in and wait for approval.
  SUM(CASE WHEN entries.approval_status = 'submitted' THEN entries.hours ELSE 0 END) AS submitted_hours,
  -- Tracked hours that are not handed in.
  SUM(CASE WHEN entries.approval_status IN ('approved', 'submitted') THEN 0 ELSE entries.hours END) AS not_submitted_hours,
  -- First day with hours that are not handed in.
  MIN(CASE WHEN entries.approval_status IN ('approved', 'submitted') THEN NULL ELSE entries.day END) AS oldest_not_submitted
FROM fact_time AS entries
CROSS JOIN report_day AS report
JOIN dim_days AS present ON present.day = report.today
WHERE NOT entries.is_future
  AND entries.week_start < present.week_start
  AND {{days(entries.week_start; present.week_start)}} <= 28
GROUP BY entries.user_id
ORDER BY person, user_id
