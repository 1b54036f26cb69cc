{# Written by dbt/generate.py; do not edit. From infra/queries/project_budget_burn.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'project_budget_report', 'projects'])) }}
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
  {{ harvest_lake.percent("report.budget_spent", "report.budget") }} AS spent_percent,
  projects.over_budget_notification_percentage AS warning_percent
FROM {{ ref('stg_harvest__project_budget_report') }} AS report
LEFT JOIN {{ ref('stg_harvest__projects') }} AS projects ON projects.id = report.project_id
LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = report.client_id
WHERE report.is_active AND report.budget > 0
ORDER BY spent_percent DESC, report.project_id
