-- Question: how did the budgets of active projects burn, month by month?
-- Assumptions: rounded hours of entries that count towards the budget, or amounts at the rates where it is in money, with
-- billable expenses if the project says so; budgets by task or person are added; a monthly budget begins anew each month; the
-- present budget stands for all months; no future work.
-- Harvest cannot tell: what a budget was before it was changed, unless the tables of changes reach so far.
SELECT
  -- Id of the project.
  burn.project_id,
  -- Name of the project.
  burn.project,
  -- Name of the client.
  burn.client,
  -- What the budget counts: project, task and person in hours, project_cost and task_fees in money.
  burn.budget_by,
  -- hours, or the currency of a budget in money.
  burn.unit,
  -- Whether the budget begins anew each month.
  burn.budget_is_monthly,
  -- First day of the month.
  burn.month_start,
  -- Budget, in unit.
  burn.budget,
  -- What was spent of it in the month, in unit.
  burn.spent,
  -- What was spent until the end of the month, in unit; of a monthly budget that of the month.
  burn.spent_so_far,
  -- Share of the budget that is spent so far, in percent.
  {{percent(burn.spent_so_far; burn.budget)}} AS spent_percent
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
    FROM projects
    JOIN (
      SELECT project_id, month_start, rounded_hours AS hours,
        CAST(COALESCE(fixed_fee_at_rates, billable_amount, 0) AS DECIMAL(18, 6)) AS amount
      FROM fact_time
      WHERE is_budgeted AND NOT is_future
      UNION ALL
      SELECT expenses.project_id, expenses.month_start, CAST(0 AS DECIMAL(18, 6)) AS hours,
        CAST(expenses.billable_amount AS DECIMAL(18, 6)) AS amount
      FROM fact_expenses AS expenses
      JOIN projects AS including ON including.id = expenses.project_id AND including.cost_budget_include_expenses
      WHERE NOT expenses.is_future
    ) AS work ON work.project_id = projects.id
    LEFT JOIN (SELECT project_id, SUM(budget) AS budget FROM task_assignments GROUP BY project_id) AS tasks
      ON tasks.project_id = projects.id
    LEFT JOIN (SELECT project_id, SUM(budget) AS budget FROM user_assignments GROUP BY project_id) AS people
      ON people.project_id = projects.id
    WHERE projects.is_active AND projects.budget_by <> 'none'
    GROUP BY projects.id, projects.name, projects.client_name, projects.budget_by, projects.budget_is_monthly,
      projects.currency, projects.client_currency, projects.cost_budget, projects.budget, work.month_start
  ) AS months
  WHERE months.budget > 0
) AS burn
ORDER BY project_id, month_start
