{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'estimate_messages', 'estimate_messages_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, sent_by, sent_by_email, sent_from, sent_from_email, recipients, subject, body, send_me_a_copy, event_type, created_at, updated_at, estimate_id, account_id, synced_at, extra_json, created_year, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__estimate_messages') }} AS estimate_messages
UNION ALL
SELECT id, sent_by, sent_by_email, sent_from, sent_from_email, recipients, subject, body, send_me_a_copy, event_type, created_at, updated_at, estimate_id, account_id, synced_at, extra_json, created_year, changed_at AS deleted_at
FROM (
  SELECT id, sent_by, sent_by_email, sent_from, sent_from_email, recipients, subject, body, send_me_a_copy, event_type, created_at, updated_at, estimate_id, account_id, synced_at, extra_json, created_year, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__estimate_messages_changes') }} AS estimate_messages_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
