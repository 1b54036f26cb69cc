{# Written by dbt/generate.py; do not edit. From infra/model/dim_days.sql. #}
{{ config(enabled=harvest_lake.has(['company'])) }}
SELECT
  days.day AS day,
  {{ harvest_lake.plus_days("days.day", "-MOD(days.number + account.shift, 7)") }} AS week_start,
  CAST(DATE_TRUNC('month', days.day) AS DATE) AS month_start,
  MOD(days.number + 6, 7) < 5 AS is_weekday
FROM (
  SELECT numbers.number AS number, {{ harvest_lake.plus_days("DATE '2006-01-01'", "numbers.number") }} AS day
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
  SELECT CASE MAX(week_start_day) WHEN 'Saturday' THEN 1 WHEN 'Sunday' THEN 0 ELSE 6 END AS shift
  FROM {{ ref('stg_harvest__company') }} AS company
) AS account
