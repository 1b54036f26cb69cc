{# Written by dbt/generate.py; do not edit. From infra/model/dim_projects.sql. #}
{{ config(enabled=harvest_lake.has(['changes', 'projects_changes'])) }}
SELECT
  versions.id AS project_id,
  versions.name AS project,
  versions.code AS code,
  versions.client_id AS client_id,
  versions.client_name AS client,
  COALESCE(versions.currency, versions.client_currency) AS currency,
  versions.is_active AS is_active,
  versions.is_billable AS is_billable,
  COALESCE(versions.is_fixed_fee, FALSE) AS is_fixed_fee,
  versions.fee AS fee,
  versions.bill_by AS bill_by,
  versions.budget_by AS budget_by,
  CASE WHEN versions.budget_by IN ('project_cost', 'task_fees') THEN versions.cost_budget ELSE versions.budget END AS budget,
  CASE
    WHEN versions.budget_by IN ('project_cost', 'task_fees') THEN COALESCE(versions.currency, versions.client_currency)
    WHEN versions.budget_by IN ('project', 'task', 'person') THEN 'hours'
  END AS budget_unit,
  COALESCE(versions.budget_is_monthly, FALSE) AS budget_is_monthly,
  COALESCE(versions.cost_budget_include_expenses, FALSE) AS budget_includes_expenses,
  versions.starts_on AS starts_on,
  versions.ends_on AS ends_on,
  {{ harvest_lake.instant("COALESCE(versions.first_created_at, versions.changed_at)") }} AS valid_from,
  {{ harvest_lake.instant("versions.next_changed_at") }} AS valid_to,
  versions.next_changed_at IS NULL AS is_current
FROM (
  SELECT *,
    CASE WHEN ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence) = 1 THEN created_at END AS first_created_at,
    LEAD(changed_at) OVER (PARTITION BY id ORDER BY sequence) AS next_changed_at
  FROM {{ ref('stg_harvest__projects_changes') }} AS projects_changes
) AS versions
WHERE versions.op <> 'D'
