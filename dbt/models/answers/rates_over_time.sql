{# Written by dbt/generate.py; do not edit. From infra/queries/rates_over_time.sql. #}
{{ config(enabled=harvest_lake.has(['user_billable_rates', 'user_cost_rates', 'users'])) }}
SELECT
  people.id AS user_id,
  CONCAT(COALESCE(people.first_name, ''), ' ', COALESCE(people.last_name, '')) AS person,
  kinds.kind,
  rates.amount,
  rates.start_date,
  rates.end_date,
  {{ harvest_lake.percent("rates.amount - rates.former", "rates.former") }} AS change_percent
FROM {{ ref('stg_harvest__users') }} AS people
CROSS JOIN (VALUES ('billable'), ('cost')) AS kinds (kind)
LEFT JOIN (
  SELECT both_kinds.*,
    LAG(amount) OVER (PARTITION BY user_id, kind ORDER BY COALESCE(start_date, DATE '1900-01-01')) AS former
  FROM (
    SELECT 'billable' AS kind, user_id, amount, start_date, end_date FROM {{ ref('stg_harvest__user_billable_rates') }} AS user_billable_rates
    UNION ALL
    SELECT 'cost' AS kind, user_id, amount, start_date, end_date FROM {{ ref('stg_harvest__user_cost_rates') }} AS user_cost_rates
  ) AS both_kinds
) AS rates ON rates.user_id = people.id AND rates.kind = kinds.kind
WHERE people.is_active OR rates.amount IS NOT NULL
ORDER BY person, user_id, kind, end_date
