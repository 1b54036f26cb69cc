-- Question: how much is spent of budgets that are set for each task or each person of a project?
-- Assumptions: rounded hours of entries that count towards the budget, or their amounts at the rates where the budget is in
-- fees; of a monthly budget those of this month; no future work.
-- Harvest cannot tell: what a budget was before it was changed, unless the tables of changes reach so far.
SELECT
  -- Id of the project.
  parts.project_id,
  -- Name of the project.
  parts.project,
  -- Name of the client.
  parts.client,
  -- What the budget counts: project, task and person in hours, project_cost and task_fees in money.
  parts.budget_by,
  -- Id of the task or the person.
  parts.part_id,
  -- Name of the task or the person.
  parts.part,
  -- hours, or the currency of a budget in fees.
  parts.unit,
  -- Whether the budget begins anew each month.
  parts.budget_is_monthly,
  -- Budget of the part, in unit.
  parts.budget,
  -- What is spent of it, in unit; of a monthly budget in this month.
  parts.spent,
  -- Share of the budget that is spent, in percent.
  {{percent(parts.spent; parts.budget)}} AS spent_percent
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
    FROM projects
    JOIN task_assignments AS tasks ON tasks.project_id = projects.id
    WHERE projects.is_active AND projects.budget_by IN ('task', 'task_fees') AND tasks.budget > 0
    UNION ALL
    SELECT projects.id AS project_id, projects.name AS project, projects.client_name AS client, projects.budget_by,
      people.user_id AS part_id, people.user_name AS part, people.budget, 'hours' AS unit,
      CASE WHEN projects.budget_is_monthly THEN 1 ELSE 0 END AS budget_is_monthly
    FROM projects
    JOIN user_assignments AS people ON people.project_id = projects.id
    WHERE projects.is_active AND projects.budget_by = 'person' AND people.budget > 0
  ) AS budgets
  CROSS JOIN report_day AS report
  LEFT JOIN fact_time AS entries
    ON entries.project_id = budgets.project_id
    AND budgets.part_id = CASE WHEN budgets.budget_by = 'person' THEN entries.user_id ELSE entries.task_id END
    AND entries.is_budgeted
    AND NOT entries.is_future
    AND (budgets.budget_is_monthly = 0 OR entries.month_start = CAST(DATE_TRUNC('month', report.today) AS DATE))
  GROUP BY budgets.project_id, budgets.budget_by, budgets.part_id, budgets.unit
) AS parts
ORDER BY spent_percent DESC, project_id, part_id
