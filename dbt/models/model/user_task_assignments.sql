{# Written by dbt/generate.py; do not edit. From a view of the lake. #}
{{ config(enabled=harvest_lake.has(['user_project_assignments'])) }}
SELECT
  parent.user_id AS user_id,
  parent.id AS project_assignment_id,
  parent.is_active AS project_assignment_is_active,
  parent.is_project_manager AS is_project_manager,
  parent.client_id AS client_id,
  parent.client_name AS client_name,
  parent.project_id AS project_id,
  parent.project_name AS project_name,
  {{ harvest_lake.position() }} AS position,
  {{ harvest_lake.item('parent.task_assignments') }}.id AS task_assignment_id,
  {{ harvest_lake.item('parent.task_assignments') }}.billable AS billable,
  {{ harvest_lake.item('parent.task_assignments') }}.is_active AS is_active,
  {{ harvest_lake.item('parent.task_assignments') }}.hourly_rate AS hourly_rate,
  {{ harvest_lake.item('parent.task_assignments') }}.budget AS budget,
  {{ harvest_lake.item('parent.task_assignments') }}.task_id AS task_id,
  {{ harvest_lake.item('parent.task_assignments') }}.task_name AS task_name,
  {{ harvest_lake.in_utc(harvest_lake.item('parent.task_assignments') ~ '.created_at') }} AS created_at,
  {{ harvest_lake.in_utc(harvest_lake.item('parent.task_assignments') ~ '.updated_at') }} AS updated_at
FROM {{ ref('stg_harvest__user_project_assignments') }} AS parent
{{ harvest_lake.places('parent.task_assignments') }}
WHERE place.position <= {{ harvest_lake.count_items('parent.task_assignments') }}
