-- Question: how much of the budgets of active projects is spent, the fullest first?
-- Assumptions: the numbers are those of Harvest's own report; of a monthly budget they are those of this month, of budgets by
-- task or person the sum. budget_by_task_and_person has the parts, budget_by_month the way there.
-- Harvest cannot tell: what was spent on an earlier day; this report is only of now.
SELECT
  -- Id of the project.
  report.project_id,
  -- Name of the project.
  report.project_name AS project,
  -- Name of the client.
  report.client_name AS client,
  -- What the budget counts: project, task and person in hours, project_cost and task_fees in money.
  report.budget_by,
  -- hours, or the currency of a budget in money.
  CASE
    WHEN report.budget_by IN ('project_cost', 'task_fees')
      THEN COALESCE(projects.currency, projects.client_currency, clients.currency)
    ELSE 'hours'
  END AS unit,
  -- Whether the budget begins anew each month.
  report.budget_is_monthly,
  -- Budget, in unit.
  report.budget,
  -- What is spent of it, in unit.
  report.budget_spent,
  -- What is left of it, in unit; negative if too much is spent.
  report.budget_remaining,
  -- Share of the budget that is spent, in percent.
  {{percent(report.budget_spent; report.budget)}} AS spent_percent,
  -- Share at which Harvest sends a mail, in percent.
  projects.over_budget_notification_percentage AS warning_percent
FROM project_budget_report AS report
LEFT JOIN projects ON projects.id = report.project_id
LEFT JOIN clients ON clients.id = report.client_id
WHERE report.is_active AND report.budget > 0
ORDER BY spent_percent DESC, report.project_id
