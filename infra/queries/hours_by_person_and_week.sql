-- Question: how many hours did each person work in each week of the last three months?
-- Assumptions: weeks are whole and begin on the day that the company chose; running timers count with what they had when
-- they were last read; planned work of the future does not count.
-- Harvest cannot tell: who was on leave.
SELECT
  -- First day of the week, by company.week_start_day.
  entries.week_start,
  -- Id of the person.
  entries.user_id,
  -- Name of the person.
  MAX(entries.person) AS person,
  -- Hours as tracked.
  SUM(entries.hours) AS hours,
  -- Rounded hours of the entries.
  SUM(entries.rounded_hours) AS rounded_hours,
  -- Rounded hours of billable entries.
  SUM(CASE WHEN entries.is_billable THEN entries.rounded_hours ELSE 0 END) AS billable_rounded_hours,
  -- Rounded hours of entries that are not billable.
  SUM(CASE WHEN entries.is_billable THEN 0 ELSE entries.rounded_hours END) AS other_rounded_hours
FROM fact_time AS entries
CROSS JOIN report_day AS report
WHERE NOT entries.is_future AND {{days(entries.week_start; report.today)}} <= 91
GROUP BY entries.week_start, entries.user_id
ORDER BY week_start DESC, person, user_id
