{# Written by dbt/generate.py; do not edit. From infra/queries/unbilled_work.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'expenses', 'invoice_item_categories', 'invoices', 'projects', 'time_entries', 'users'])) }}
SELECT
  work.client_id,
  MAX(work.client) AS client,
  work.project_id,
  MAX(work.project) AS project,
  work.currency,
  CASE WHEN MAX(work.fixed) = 1 THEN 'fixed fee' ELSE 'time and materials' END AS kind,
  SUM(work.rounded_hours) AS rounded_hours,
  SUM(work.hours_without_rate) AS hours_without_rate,
  SUM(work.time_amount) AS time_amount,
  SUM(work.expense_amount) AS expense_amount,
  SUM(work.open_fee) AS open_fee,
  SUM(work.time_amount) + SUM(work.expense_amount) + SUM(work.open_fee) AS unbilled_amount,
  MIN(work.day) AS oldest_day
FROM (
  SELECT client_id, client, project_id, project, currency, day,
    CASE WHEN is_fixed_fee THEN 1 ELSE 0 END AS fixed,
    rounded_hours,
    CASE WHEN is_rate_missing AND NOT is_fixed_fee THEN rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS hours_without_rate,
    COALESCE(billable_amount, CAST(0 AS DECIMAL(18, 4))) AS time_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_amount,
    CAST(0 AS DECIMAL(18, 4)) AS open_fee
  FROM {{ ref('fact_time') }} AS fact_time
  WHERE is_billable AND NOT is_invoiced AND NOT is_future
  UNION ALL
  SELECT expenses.client_id, expenses.client, expenses.project_id, expenses.project, expenses.currency, expenses.day,
    CASE WHEN projects.is_fixed_fee THEN 1 ELSE 0 END AS fixed,
    CAST(0 AS DECIMAL(18, 6)) AS rounded_hours,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
    CAST(0 AS DECIMAL(18, 4)) AS time_amount,
    COALESCE(expenses.billable_amount, CAST(0 AS DECIMAL(18, 4))) AS expense_amount,
    CAST(0 AS DECIMAL(18, 4)) AS open_fee
  FROM {{ ref('fact_expenses') }} AS expenses
  LEFT JOIN {{ ref('stg_harvest__projects') }} AS projects ON projects.id = expenses.project_id
  WHERE expenses.is_billable AND NOT expenses.is_invoiced AND NOT expenses.is_future
  UNION ALL
  SELECT projects.client_id, projects.client_name AS client, projects.id AS project_id, projects.name AS project,
    COALESCE(projects.currency, projects.client_currency, clients.currency) AS currency,
    CAST(NULL AS DATE) AS day,
    1 AS fixed,
    CAST(0 AS DECIMAL(18, 6)) AS rounded_hours,
    CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
    CAST(0 AS DECIMAL(18, 4)) AS time_amount,
    CAST(0 AS DECIMAL(18, 4)) AS expense_amount,
    CAST(projects.fee - COALESCE(invoiced.amount, 0) AS DECIMAL(18, 4)) AS open_fee
  FROM {{ ref('stg_harvest__projects') }} AS projects
  LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = projects.client_id
  LEFT JOIN (
    SELECT project_id, SUM(amount) AS amount FROM {{ ref('fact_invoice_lines') }} AS fact_invoice_lines WHERE NOT is_expense GROUP BY project_id
  ) AS invoiced ON invoiced.project_id = projects.id
  WHERE projects.is_fixed_fee AND projects.is_active AND projects.fee <> COALESCE(invoiced.amount, 0)
) AS work
GROUP BY work.client_id, work.project_id, work.currency
ORDER BY client, project, project_id
