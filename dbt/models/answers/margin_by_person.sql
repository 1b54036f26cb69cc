{# Written by dbt/generate.py; do not edit. From infra/queries/margin_by_person.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'projects', 'time_entries', 'users'])) }}
SELECT
  sums.*,
  CASE WHEN sums.currency = sums.time_cost_currency
    THEN sums.time_amount + sums.fixed_fee_at_rates - sums.time_cost END AS margin,
  CASE WHEN sums.currency = sums.time_cost_currency THEN
    {{ harvest_lake.percent("sums.time_amount + sums.fixed_fee_at_rates - sums.time_cost", "sums.time_amount + sums.fixed_fee_at_rates") }}
  END AS margin_percent
FROM (
  SELECT
    entries.user_id,
    MAX(entries.person) AS person,
    entries.currency,
    SUM(entries.rounded_hours) AS rounded_hours,
    SUM(COALESCE(entries.billable_amount, 0)) AS time_amount,
    SUM(COALESCE(entries.fixed_fee_at_rates, 0)) AS fixed_fee_at_rates,
    SUM(entries.cost_amount) AS time_cost,
    MAX(entries.cost_currency) AS time_cost_currency,
    SUM(CASE WHEN entries.is_rate_missing THEN entries.rounded_hours ELSE 0 END) AS hours_without_rate,
    SUM(CASE WHEN entries.cost_rate IS NULL THEN entries.rounded_hours ELSE 0 END) AS hours_without_cost
  FROM {{ ref('fact_time') }} AS entries
  CROSS JOIN {{ ref('report_day') }} AS report
  WHERE NOT entries.is_future AND entries.day > {{ harvest_lake.plus_months("report.today", "-12") }}
  GROUP BY entries.user_id, entries.currency
) AS sums
ORDER BY person, user_id, currency
