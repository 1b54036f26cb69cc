{# Written by dbt/generate.py; do not edit. From infra/model/fact_revenue_and_cost.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'expenses', 'invoice_item_categories', 'invoices', 'projects', 'time_entries', 'users'])) }}
SELECT
  work.day AS day,
  work.client_id AS client_id,
  work.client AS client,
  work.project_id AS project_id,
  work.project AS project,
  work.currency AS currency,
  work.rounded_hours AS rounded_hours,
  work.time_amount AS time_amount,
  work.fee_amount AS fee_amount,
  work.expense_amount AS expense_amount,
  work.expense_cost AS expense_cost,
  work.time_cost AS time_cost,
  work.hours_without_rate AS hours_without_rate,
  work.hours_without_cost AS hours_without_cost
FROM (
  SELECT day, client_id, client, project_id, project, currency, rounded_hours,
    COALESCE(billable_amount, CAST(0 AS DECIMAL(18, 4))) AS time_amount,
    CAST(0 AS DECIMAL(18, 4)) AS fee_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_cost,
    COALESCE(cost_amount, CAST(0 AS DECIMAL(18, 4))) AS time_cost,
    CASE WHEN is_rate_missing AND NOT is_fixed_fee THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS hours_without_rate,
    CASE WHEN cost_rate IS NULL THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS hours_without_cost
  FROM {{ ref('fact_time') }} AS fact_time
  UNION ALL
  SELECT day, client_id, client, project_id, project, currency, CAST(0 AS DECIMAL(18, 6)) AS rounded_hours,
    CAST(0 AS DECIMAL(18, 4)) AS time_amount,
    CAST(0 AS DECIMAL(18, 4)) AS fee_amount,
    COALESCE(billable_amount, CAST(0 AS DECIMAL(18, 4))) AS expense_amount,
    COALESCE(amount, CAST(0 AS DECIMAL(18, 4))) AS expense_cost,
    CAST(0 AS DECIMAL(18, 4)) AS time_cost,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_cost
  FROM {{ ref('fact_expenses') }} AS fact_expenses
  UNION ALL
  SELECT lines.issue_date AS day, lines.client_id, lines.client, lines.project_id, projects.name AS project, lines.currency,
    CAST(0 AS DECIMAL(18, 6)) AS rounded_hours,
    CAST(0 AS DECIMAL(18, 4)) AS time_amount,
    COALESCE(lines.amount, CAST(0 AS DECIMAL(18, 4))) AS fee_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_cost,
    CAST(0 AS DECIMAL(18, 4)) AS time_cost,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_cost
  FROM {{ ref('fact_invoice_lines') }} AS lines
  JOIN {{ ref('stg_harvest__projects') }} AS projects ON projects.id = lines.project_id
  WHERE projects.is_fixed_fee AND NOT lines.is_expense AND lines.state <> 'draft'
) AS work
