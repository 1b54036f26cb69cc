{# Written by dbt/generate.py; do not edit. From infra/model/fact_capacity.sql. #}
{{ config(enabled=harvest_lake.has(['changes', 'company', 'time_entries', 'users_changes'])) }}
SELECT
  days.day AS day,
  days.week_start AS week_start,
  days.month_start AS month_start,
  spans.user_id AS user_id,
  versions.person AS person,
  versions.is_contractor AS is_contractor,
  CAST(CAST(versions.weekly_capacity AS DOUBLE) / 5 AS DECIMAL(18, 6)) AS capacity_hours
FROM (
  SELECT
    people.user_id AS user_id,
    CASE WHEN tracked.first_day < people.first_day THEN tracked.first_day ELSE people.first_day END AS first_day,
    CASE WHEN people.was_ever_active THEN people.last_day ELSE COALESCE(tracked.last_day, people.last_day) END AS last_day,
    people.was_ever_active AS was_ever_active,
    people.first_from AS first_from
  FROM (
    SELECT
      user_id,
      MIN(valid_from) AS first_from,
      CAST(MIN(valid_from) AS DATE) AS first_day,
      CAST(MAX(CASE WHEN is_active THEN COALESCE(valid_to, TIMESTAMP '2033-12-31 00:00:00') END) AS DATE) AS last_day,
      MAX(CASE WHEN is_active THEN 1 ELSE 0 END) = 1 AS was_ever_active
    FROM {{ ref('dim_people') }} AS dim_people
    GROUP BY user_id
  ) AS people
  LEFT JOIN (
    SELECT user_id, MIN(spent_date) AS first_day, MAX(spent_date) AS last_day FROM {{ ref('stg_harvest__time_entries') }} AS time_entries GROUP BY user_id
  ) AS tracked ON tracked.user_id = people.user_id
) AS spans
CROSS JOIN {{ ref('report_day') }} AS report
JOIN {{ ref('dim_days') }} AS days
  ON days.day >= spans.first_day
  AND days.day <= report.today
  AND (days.day < spans.last_day OR (days.day = spans.last_day AND NOT spans.was_ever_active))
JOIN {{ ref('dim_people') }} AS versions
  ON versions.user_id = spans.user_id
  AND (CAST(versions.valid_from AS DATE) <= days.day OR versions.valid_from = spans.first_from)
  AND (versions.valid_to IS NULL OR CAST(versions.valid_to AS DATE) > days.day)
WHERE days.is_weekday AND (versions.is_active OR NOT spans.was_ever_active)
