{# Written by dbt/generate.py; do not edit. From infra/queries/budget_by_task_and_person.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'projects', 'task_assignments', 'time_entries', 'user_assignments', 'users'])) }}
SELECT
  parts.project_id,
  parts.project,
  parts.client,
  parts.budget_by,
  parts.part_id,
  parts.part,
  parts.unit,
  parts.budget_is_monthly,
  parts.budget,
  parts.spent,
  {{ harvest_lake.percent("parts.spent", "parts.budget") }} AS spent_percent
FROM (
  SELECT
    budgets.project_id,
    MAX(budgets.project) AS project,
    MAX(budgets.client) AS client,
    budgets.budget_by,
    budgets.part_id,
    MAX(budgets.part) AS part,
    budgets.unit,
    MAX(budgets.budget_is_monthly) = 1 AS budget_is_monthly,
    MAX(budgets.budget) AS budget,
    SUM(COALESCE(
      CASE WHEN budgets.unit = 'hours' THEN entries.rounded_hours
        ELSE COALESCE(entries.fixed_fee_at_rates, entries.billable_amount) END,
      0)) AS spent
  FROM (
    SELECT projects.id AS project_id, projects.name AS project, projects.client_name AS client, projects.budget_by,
      tasks.task_id AS part_id, tasks.task_name AS part, tasks.budget,
      CASE WHEN projects.budget_by = 'task_fees' THEN COALESCE(projects.currency, projects.client_currency)
        ELSE 'hours' END AS unit,
      CASE WHEN projects.budget_is_monthly THEN 1 ELSE 0 END AS budget_is_monthly
    FROM {{ ref('stg_harvest__projects') }} AS projects
    JOIN {{ ref('stg_harvest__task_assignments') }} AS tasks ON tasks.project_id = projects.id
    WHERE projects.is_active AND projects.budget_by IN ('task', 'task_fees') AND tasks.budget > 0
    UNION ALL
    SELECT projects.id AS project_id, projects.name AS project, projects.client_name AS client, projects.budget_by,
      people.user_id AS part_id, people.user_name AS part, people.budget, 'hours' AS unit,
      CASE WHEN projects.budget_is_monthly THEN 1 ELSE 0 END AS budget_is_monthly
    FROM {{ ref('stg_harvest__projects') }} AS projects
    JOIN {{ ref('stg_harvest__user_assignments') }} AS people ON people.project_id = projects.id
    WHERE projects.is_active AND projects.budget_by = 'person' AND people.budget > 0
  ) AS budgets
  CROSS JOIN {{ ref('report_day') }} AS report
  LEFT JOIN {{ ref('fact_time') }} AS entries
    ON entries.project_id = budgets.project_id
    AND budgets.part_id = CASE WHEN budgets.budget_by = 'person' THEN entries.user_id ELSE entries.task_id END
    AND entries.is_budgeted
    AND NOT entries.is_future
    AND (budgets.budget_is_monthly = 0 OR entries.month_start = CAST(DATE_TRUNC('month', report.today) AS DATE))
  GROUP BY budgets.project_id, budgets.budget_by, budgets.part_id, budgets.unit
) AS parts
ORDER BY spent_percent DESC, project_id, part_id
