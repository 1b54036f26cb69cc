{# Written by dbt/generate.py; do not edit. From infra/queries/billable_split_by_client.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'projects', 'time_entries', 'users'])) }}
SELECT
  entries.client_id,
  MAX(entries.client) AS client,
  entries.currency,
  SUM(entries.rounded_hours) AS rounded_hours,
  SUM(CASE WHEN entries.is_billable THEN entries.rounded_hours ELSE 0 END) AS billable_rounded_hours,
  SUM(CASE WHEN entries.is_billable AND entries.is_fixed_fee THEN entries.rounded_hours ELSE 0 END) AS fixed_fee_rounded_hours,
  SUM(CASE WHEN entries.is_billable THEN 0 ELSE entries.rounded_hours END) AS other_rounded_hours,
  SUM(COALESCE(entries.billable_amount, 0)) AS billable_amount,
  SUM(COALESCE(entries.fixed_fee_at_rates, 0)) AS fixed_fee_at_rates,
  SUM(CASE WHEN entries.is_rate_missing THEN entries.rounded_hours ELSE 0 END) AS hours_without_rate
FROM {{ ref('fact_time') }} AS entries
CROSS JOIN {{ ref('report_day') }} AS report
WHERE NOT entries.is_future AND EXTRACT(YEAR FROM entries.day) = EXTRACT(YEAR FROM report.today)
GROUP BY entries.client_id, entries.currency
ORDER BY client, client_id
