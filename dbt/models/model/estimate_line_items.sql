{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['estimates'])) }}
SELECT
  parent.id AS estimate_id,
  parent.number AS estimate_number,
  parent.state AS estimate_state,
  parent.issue_date AS issue_date,
  parent.client_id AS client_id,
  parent.client_name AS client_name,
  parent.currency AS currency,
  {{ harvest_lake.position() }} AS position,
  {{ harvest_lake.item('parent.line_items') }}.id AS line_item_id,
  {{ harvest_lake.item('parent.line_items') }}.kind AS kind,
  {{ harvest_lake.item('parent.line_items') }}.description AS description,
  {{ harvest_lake.item('parent.line_items') }}.quantity AS quantity,
  {{ harvest_lake.item('parent.line_items') }}.unit_price AS unit_price,
  {{ harvest_lake.item('parent.line_items') }}.amount AS amount,
  {{ harvest_lake.item('parent.line_items') }}.taxed AS taxed,
  {{ harvest_lake.item('parent.line_items') }}.taxed2 AS taxed2
FROM {{ ref('stg_harvest__estimates') }} AS parent
{{ harvest_lake.places('parent.line_items') }}
WHERE place.position <= {{ harvest_lake.count_items('parent.line_items') }}
