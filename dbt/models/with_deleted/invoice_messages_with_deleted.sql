{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['changes', 'invoice_messages', 'invoice_messages_changes']) and var('harvest_lake_with_deleted', false)) }}
SELECT id, sent_by, sent_by_email, sent_from, sent_from_email, recipients, subject, body, include_link_to_client_invoice, attach_pdf, send_me_a_copy, thank_you, event_type, reminder, send_reminder_on, created_at, updated_at, invoice_id, account_id, synced_at, extra_json, created_year, {{ harvest_lake.instant("NULL") }} AS deleted_at
FROM {{ ref('stg_harvest__invoice_messages') }} AS invoice_messages
UNION ALL
SELECT id, sent_by, sent_by_email, sent_from, sent_from_email, recipients, subject, body, include_link_to_client_invoice, attach_pdf, send_me_a_copy, thank_you, event_type, reminder, send_reminder_on, created_at, updated_at, invoice_id, account_id, synced_at, extra_json, created_year, changed_at AS deleted_at
FROM (
  SELECT id, sent_by, sent_by_email, sent_from, sent_from_email, recipients, subject, body, include_link_to_client_invoice, attach_pdf, send_me_a_copy, thank_you, event_type, reminder, send_reminder_on, created_at, updated_at, invoice_id, account_id, synced_at, extra_json, created_year, op, changed_at, ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence DESC) AS newest
  FROM {{ ref('stg_harvest__invoice_messages_changes') }} AS invoice_messages_changes
) AS last_change
WHERE newest = 1 AND op = 'D'
