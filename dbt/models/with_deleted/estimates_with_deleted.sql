{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'estimates', 'estimates_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, client_id, client_name, line_items, creator_id, creator_name, client_key, number, purchase_order, amount, tax, tax_amount, tax2, tax2_amount, discount, discount_amount, subject, notes, currency, state, issue_date, sent_at, accepted_at, declined_at, created_at, updated_at, account_id, synced_at, extra_json, created_year, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__estimates') }} AS estimates
UNION ALL
SELECT id, client_id, client_name, line_items, creator_id, creator_name, client_key, number, purchase_order, amount, tax, tax_amount, tax2, tax2_amount, discount, discount_amount, subject, notes, currency, state, issue_date, sent_at, accepted_at, declined_at, created_at, updated_at, account_id, synced_at, extra_json, created_year, changed_at AS deleted_at
FROM (
  SELECT id, client_id, client_name, line_items, creator_id, creator_name, client_key, number, purchase_order, amount, tax, tax_amount, tax2, tax2_amount, discount, discount_amount, subject, notes, currency, state, issue_date, sent_at, accepted_at, declined_at, created_at, updated_at, account_id, synced_at, extra_json, created_year, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__estimates_changes') }} AS estimates_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
