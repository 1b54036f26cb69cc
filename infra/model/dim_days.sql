-- One row for each day from 2006, when Harvest began, to the end of 2033, with its week as the account counts weeks.
SELECT
  -- date: The day.
  days.day AS day,
  -- date: First day of its week, by company.week_start_day.
  {{plus_days(days.day; -MOD(days.number + account.shift, 7))}} AS week_start,
  -- date: First day of its month.
  CAST(DATE_TRUNC('month', days.day) AS DATE) AS month_start,
  -- boolean: Whether it is a day from Monday to Friday. Harvest knows no holidays.
  MOD(days.number + 6, 7) < 5 AS is_weekday
FROM (
  -- 1 January 2006 was a Sunday.
  SELECT numbers.number AS number, {{plus_days(DATE '2006-01-01'; numbers.number)}} AS day
  FROM (
    SELECT CAST(ones.n + 10 * tens.n + 100 * hundreds.n + 1000 * thousands.n AS BIGINT) AS number
    FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS ones (n)
    CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS tens (n)
    CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS hundreds (n)
    CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS thousands (n)
  ) AS numbers
  WHERE numbers.number < 10227
) AS days
CROSS JOIN (
  -- One row, even if the company was never read; weeks then begin on Monday.
  SELECT CASE MAX(week_start_day) WHEN 'Saturday' THEN 1 WHEN 'Sunday' THEN 0 ELSE 6 END AS shift
  FROM company
) AS account
