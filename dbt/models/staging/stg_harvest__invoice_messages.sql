{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['invoice_messages'])) }}
SELECT
  id,
  sent_by,
  sent_by_email,
  sent_from,
  sent_from_email,
  recipients,
  subject,
  body,
  include_link_to_client_invoice,
  attach_pdf,
  send_me_a_copy,
  thank_you,
  event_type,
  reminder,
  send_reminder_on,
  {{ harvest_lake.in_utc("created_at") }} AS created_at,
  {{ harvest_lake.in_utc("updated_at") }} AS updated_at,
  invoice_id,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json,
  created_year
FROM {{ source('harvest_lake', 'invoice_messages') }}
