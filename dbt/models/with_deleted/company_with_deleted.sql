{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'company', 'company_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT base_uri, full_domain, name, is_active, week_start_day, wants_timestamp_timers, time_format, date_format, plan_type, clock, currency_code_display, currency_symbol_display, decimal_symbol, thousands_separator, color_scheme, weekly_capacity, expense_feature, invoice_feature, estimate_feature, approval_feature, team_feature, currency, saml_sign_in_required, day_entry_notes_required, account_id, synced_at, extra_json, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__company') }} AS company
UNION ALL
SELECT base_uri, full_domain, name, is_active, week_start_day, wants_timestamp_timers, time_format, date_format, plan_type, clock, currency_code_display, currency_symbol_display, decimal_symbol, thousands_separator, color_scheme, weekly_capacity, expense_feature, invoice_feature, estimate_feature, approval_feature, team_feature, currency, saml_sign_in_required, day_entry_notes_required, account_id, synced_at, extra_json, changed_at AS deleted_at
FROM (
  SELECT base_uri, full_domain, name, is_active, week_start_day, wants_timestamp_timers, time_format, date_format, plan_type, clock, currency_code_display, currency_symbol_display, decimal_symbol, thousands_separator, color_scheme, weekly_capacity, expense_feature, invoice_feature, estimate_feature, approval_feature, team_feature, currency, saml_sign_in_required, day_entry_notes_required, account_id, synced_at, extra_json, op, changed_at, ROW_NUMBER() OVER (PARTITION BY full_domain ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__company_changes') }} AS company_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
