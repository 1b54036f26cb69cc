{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['roles'])) }}
SELECT
  parent.id AS role_id,
  parent.name AS role_name,
  {{ harvest_lake.position() }} AS position,
  {{ harvest_lake.item('parent.user_ids') }} AS user_id
FROM {{ ref('stg_harvest__roles') }} AS parent
{{ harvest_lake.places('parent.user_ids') }}
WHERE place.position <= {{ harvest_lake.count_items('parent.user_ids') }}
