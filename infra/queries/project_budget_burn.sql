-- Budget of active projects and how much of it is spent, the fullest first. The unit is hours or, where
-- the budget is one of costs or fees, the project's currency.
SELECT
  report.project_id,
  report.project_name AS project,
  report.client_name AS client,
  report.budget_by,
  CASE WHEN report.budget_by IN ('project_cost', 'task_fees') THEN projects.currency ELSE 'hours' END AS unit,
  report.budget_is_monthly,
  report.budget,
  report.budget_spent,
  report.budget_remaining,
  100 * report.budget_spent / NULLIF(report.budget, 0) AS spent_percent,
  projects.over_budget_notification_percentage AS warning_percent
FROM project_budget_report AS report
LEFT JOIN projects ON projects.id = report.project_id
WHERE report.is_active AND report.budget > 0
ORDER BY spent_percent DESC, report.project_id
