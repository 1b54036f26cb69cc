{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['expense_report_projects'])) }}
SELECT
  client_id,
  client_name,
  project_id,
  project_name,
  total_amount,
  billable_amount,
  currency,
  period_start,
  period_end,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json,
  period_year
FROM {{ source('harvest_lake', 'expense_report_projects') }}
