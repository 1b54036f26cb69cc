{# Written by dbt/generate.py; do not edit. From infra/queries/budget_by_month.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'expenses', 'projects', 'task_assignments', 'time_entries', 'user_assignments', 'users'])) }}
SELECT
  burn.project_id,
  burn.project,
  burn.client,
  burn.budget_by,
  burn.unit,
  burn.budget_is_monthly,
  burn.month_start,
  burn.budget,
  burn.spent,
  burn.spent_so_far,
  {{ harvest_lake.percent("burn.spent_so_far", "burn.budget") }} AS spent_percent
FROM (
  SELECT
    months.*,
    CASE WHEN months.budget_is_monthly THEN months.spent
      ELSE SUM(months.spent) OVER (PARTITION BY months.project_id ORDER BY months.month_start) END AS spent_so_far
  FROM (
    SELECT
      projects.id AS project_id, projects.name AS project, projects.client_name AS client, projects.budget_by,
      CASE WHEN projects.budget_by IN ('project_cost', 'task_fees') THEN COALESCE(projects.currency, projects.client_currency)
        ELSE 'hours' END AS unit,
      COALESCE(projects.budget_is_monthly, FALSE) AS budget_is_monthly,
      work.month_start,
      CASE projects.budget_by
        WHEN 'task' THEN MAX(tasks.budget)
        WHEN 'task_fees' THEN COALESCE(MAX(tasks.budget), projects.cost_budget)
        WHEN 'person' THEN MAX(people.budget)
        WHEN 'project_cost' THEN projects.cost_budget
        ELSE projects.budget
      END AS budget,
      SUM(CASE WHEN projects.budget_by IN ('project_cost', 'task_fees') THEN work.amount ELSE work.hours END) AS spent
    FROM {{ ref('stg_harvest__projects') }} AS projects
    JOIN (
      SELECT project_id, month_start, rounded_hours AS hours,
        CAST(COALESCE(fixed_fee_at_rates, billable_amount, 0) AS DECIMAL(18, 6)) AS amount
      FROM {{ ref('fact_time') }} AS fact_time
      WHERE is_budgeted AND NOT is_future
      UNION ALL
      SELECT expenses.project_id, expenses.month_start, CAST(0 AS DECIMAL(18, 6)) AS hours,
        CAST(expenses.billable_amount AS DECIMAL(18, 6)) AS amount
      FROM {{ ref('fact_expenses') }} AS expenses
      JOIN {{ ref('stg_harvest__projects') }} AS including ON including.id = expenses.project_id AND including.cost_budget_include_expenses
      WHERE NOT expenses.is_future
    ) AS work ON work.project_id = projects.id
    LEFT JOIN (SELECT project_id, SUM(budget) AS budget FROM {{ ref('stg_harvest__task_assignments') }} AS task_assignments GROUP BY project_id) AS tasks
      ON tasks.project_id = projects.id
    LEFT JOIN (SELECT project_id, SUM(budget) AS budget FROM {{ ref('stg_harvest__user_assignments') }} AS user_assignments GROUP BY project_id) AS people
      ON people.project_id = projects.id
    WHERE projects.is_active AND projects.budget_by <> 'none'
    GROUP BY projects.id, projects.name, projects.client_name, projects.budget_by, projects.budget_is_monthly,
      projects.currency, projects.client_currency, projects.cost_budget, projects.budget, work.month_start
  ) AS months
  WHERE months.budget > 0
) AS burn
ORDER BY project_id, month_start
