{# Written by dbt/generate.py; do not edit. From infra/model/fact_time.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'projects', 'time_entries', 'users'])) }}
SELECT
  entries.id AS time_entry_id,
  entries.spent_date AS day,
  days.week_start AS week_start,
  days.month_start AS month_start,
  entries.spent_date > report.today AS is_future,
  entries.user_id AS user_id,
  entries.user_name AS person,
  entries.client_id AS client_id,
  entries.client_name AS client,
  entries.project_id AS project_id,
  entries.project_name AS project,
  entries.task_id AS task_id,
  entries.task_name AS task,
  entries.hours AS hours,
  COALESCE(entries.rounded_hours, entries.hours) AS rounded_hours,
  entries.billable AS is_billable,
  COALESCE(projects.is_fixed_fee, FALSE) AS is_fixed_fee,
  COALESCE(entries.client_currency, clients.currency) AS currency,
  entries.billable_rate AS billable_rate,
  CASE
    WHEN NOT entries.billable OR projects.is_fixed_fee THEN CAST(0 AS DECIMAL(18, 4))
    ELSE CAST(CAST(COALESCE(entries.rounded_hours, entries.hours) AS DECIMAL(19, 6)) * entries.billable_rate AS DECIMAL(18, 4))
  END AS billable_amount,
  CASE
    WHEN entries.billable AND projects.is_fixed_fee
      THEN CAST(CAST(COALESCE(entries.rounded_hours, entries.hours) AS DECIMAL(19, 6)) * entries.billable_rate AS DECIMAL(18, 4))
  END AS fixed_fee_at_rates,
  entries.billable AND entries.billable_rate IS NULL AS is_rate_missing,
  entries.cost_rate AS cost_rate,
  CAST(CAST(COALESCE(entries.rounded_hours, entries.hours) AS DECIMAL(19, 6)) * entries.cost_rate AS DECIMAL(18, 4)) AS cost_amount,
  account.currency AS cost_currency,
  entries.invoice_id AS invoice_id,
  COALESCE(entries.is_billed, FALSE) AS is_invoiced,
  COALESCE(entries.budgeted, FALSE) AS is_budgeted,
  entries.approval_status AS approval_status,
  COALESCE(entries.is_running, FALSE) AS is_running,
  {{ harvest_lake.time_of_day("entries.started_time") }} AS started_at,
  {{ harvest_lake.time_of_day("entries.ended_time") }} AS ended_at,
  people.is_active AS is_person_active,
  people.is_contractor AS is_contractor,
  CAST(CAST(people.weekly_capacity AS DOUBLE) / 3600 AS DECIMAL(18, 6)) AS present_weekly_capacity
FROM {{ ref('stg_harvest__time_entries') }} AS entries
LEFT JOIN {{ ref('stg_harvest__projects') }} AS projects ON projects.id = entries.project_id
LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = entries.client_id
LEFT JOIN {{ ref('stg_harvest__users') }} AS people ON people.id = entries.user_id
LEFT JOIN {{ ref('dim_days') }} AS days ON days.day = entries.spent_date
CROSS JOIN (SELECT MAX(currency) AS currency FROM {{ ref('stg_harvest__company') }} AS company) AS account
CROSS JOIN {{ ref('report_day') }} AS report
