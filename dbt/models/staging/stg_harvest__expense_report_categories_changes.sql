{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['changes', 'expense_report_categories_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT
  op,
  {{ harvest_lake.in_utc("changed_at") }} AS changed_at,
  sequence,
  expense_category_id,
  expense_category_name,
  total_amount,
  billable_amount,
  currency,
  period_start,
  period_end,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json,
  period_year,
  changed_month
FROM {{ source('harvest_lake', 'expense_report_categories_changes') }}
