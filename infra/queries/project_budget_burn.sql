-- Question: how much of the budgets of active projects is spent, the fullest first?
-- Assumptions: the numbers are those of Harvest's own report; of a monthly budget they are those of this month, of budgets by
-- task or person the sum. budget_by_task_and_person has the parts, budget_by_month the way there.
-- Harvest cannot tell: what was spent on an earlier day; this report is only of now.
SELECT
  report.project_id,
  report.project_name AS project,
  report.client_name AS client,
  report.budget_by,
  CASE
    WHEN report.budget_by IN ('project_cost', 'task_fees')
      THEN COALESCE(projects.currency, projects.client_currency, clients.currency)
    ELSE 'hours'
  END AS unit,
  report.budget_is_monthly,
  report.budget,
  report.budget_spent,
  report.budget_remaining,
  {{percent(report.budget_spent; report.budget)}} AS spent_percent,
  projects.over_budget_notification_percentage AS warning_percent
FROM project_budget_report AS report
LEFT JOIN projects ON projects.id = report.project_id
LEFT JOIN clients ON clients.id = report.client_id
WHERE report.is_active AND report.budget > 0
ORDER BY spent_percent DESC, report.project_id
