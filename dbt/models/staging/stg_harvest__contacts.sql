{# Written by dbt/generate.py; do not edit. From the declaration of the stream. #}
{{ config(enabled=harvest_lake.has(['contacts'])) }}
SELECT
  id,
  client_id,
  client_name,
  title,
  first_name,
  last_name,
  email,
  phone_office,
  phone_mobile,
  fax,
  invoice_recipient_status,
  {{ harvest_lake.in_utc("created_at") }} AS created_at,
  {{ harvest_lake.in_utc("updated_at") }} AS updated_at,
  account_id,
  {{ harvest_lake.in_utc("synced_at") }} AS synced_at,
  extra_json
FROM {{ source('harvest_lake', 'contacts') }}
