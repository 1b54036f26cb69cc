{# Written by dbt/generate.py; do not edit. From infra/queries/reconcile_uninvoiced.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'expenses', 'projects', 'time_entries', 'uninvoiced_report', 'users'])) }}
SELECT
  sums.period_start,
  sums.period_end,
  sums.client_id,
  sums.client,
  sums.project_id,
  sums.project,
  sums.currency,
  sums.is_fixed_fee,
  CASE
    WHEN sums.hours_difference = 0 AND sums.uninvoiced_hours_difference = 0 AND sums.expenses_difference = 0
      AND COALESCE(sums.amount_difference, 0) = 0 THEN 'equal'
    WHEN sums.period_start IS NULL THEN 'no window'
    WHEN sums.report_rows = 0 THEN 'not reported'
    WHEN sums.records = 0 THEN 'no records'
    WHEN sums.records_changed_since > 0 THEN 'changed since'
    WHEN sums.running_hours > 0 THEN 'timer runs'
    WHEN sums.hours_difference = 0 AND sums.uninvoiced_hours_difference = 0 AND sums.expenses_difference = 0
      AND ABS(sums.amount_difference) * 100 <= sums.records THEN 'rounding'
    ELSE 'differs'
  END AS compared,
  sums.reported_hours,
  sums.rounded_hours,
  sums.hours_difference,
  sums.reported_uninvoiced_hours,
  sums.uninvoiced_hours,
  sums.uninvoiced_hours_difference,
  sums.reported_expenses,
  sums.uninvoiced_expenses,
  sums.expenses_difference,
  sums.reported_amount,
  sums.uninvoiced_amount,
  sums.amount_difference,
  sums.records,
  sums.records_changed_since,
  sums.running_hours,
  sums.hours_without_rate,
  sums.reported_at,
  sums.period_end >= report.today AS is_open
FROM (
  SELECT
    both_sides.period_start,
    both_sides.period_end,
    COALESCE(MAX(projects.client_id), MAX(both_sides.client_id)) AS client_id,
    COALESCE(MAX(projects.client_name), MAX(both_sides.client)) AS client,
    both_sides.project_id,
    COALESCE(MAX(projects.name), MAX(both_sides.project)) AS project,
    both_sides.currency,
    MAX(CASE WHEN projects.is_fixed_fee THEN 1 ELSE 0 END) = 1 AS is_fixed_fee,
    SUM(both_sides.reported_hours) AS reported_hours,
    SUM(both_sides.rounded_hours) AS rounded_hours,
    SUM(both_sides.rounded_hours) - SUM(both_sides.reported_hours) AS hours_difference,
    SUM(both_sides.reported_uninvoiced_hours) AS reported_uninvoiced_hours,
    SUM(both_sides.uninvoiced_hours) AS uninvoiced_hours,
    SUM(both_sides.uninvoiced_hours) - SUM(both_sides.reported_uninvoiced_hours) AS uninvoiced_hours_difference,
    SUM(both_sides.reported_expenses) AS reported_expenses,
    SUM(both_sides.uninvoiced_expenses) AS uninvoiced_expenses,
    SUM(both_sides.uninvoiced_expenses) - SUM(both_sides.reported_expenses) AS expenses_difference,
    SUM(both_sides.reported_amount) AS reported_amount,
    CASE WHEN MAX(CASE WHEN projects.is_fixed_fee THEN 1 ELSE 0 END) = 0
      THEN SUM(both_sides.time_amount) + SUM(both_sides.uninvoiced_expenses) END AS uninvoiced_amount,
    CASE WHEN MAX(CASE WHEN projects.is_fixed_fee THEN 1 ELSE 0 END) = 0
      THEN SUM(both_sides.time_amount) + SUM(both_sides.uninvoiced_expenses) - SUM(both_sides.reported_amount)
      END AS amount_difference,
    SUM(both_sides.report_rows) AS report_rows,
    SUM(both_sides.records) AS records,
    SUM(both_sides.changed) AS records_changed_since,
    SUM(both_sides.running_hours) AS running_hours,
    SUM(both_sides.hours_without_rate) AS hours_without_rate,
    MAX(both_sides.reported_at) AS reported_at
  FROM (
    SELECT rows_told.period_start, rows_told.period_end, rows_told.client_id, rows_told.client_name AS client,
      rows_told.project_id, rows_told.project_name AS project,
      COALESCE(rows_told.currency, clients.currency) AS currency,
      rows_told.total_hours AS reported_hours,
      rows_told.uninvoiced_hours AS reported_uninvoiced_hours,
      COALESCE(rows_told.uninvoiced_expenses, CAST(0 AS DECIMAL(18, 4))) AS reported_expenses,
      COALESCE(rows_told.uninvoiced_amount, CAST(0 AS DECIMAL(18, 4))) AS reported_amount,
      CAST(0 AS DECIMAL(18, 6)) AS rounded_hours, CAST(0 AS DECIMAL(18, 6)) AS uninvoiced_hours,
      CAST(0 AS DECIMAL(18, 4)) AS time_amount, CAST(0 AS DECIMAL(18, 4)) AS uninvoiced_expenses,
      1 AS report_rows, 0 AS records, 0 AS changed,
      CAST(0 AS DECIMAL(18, 6)) AS running_hours, CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
      {{ harvest_lake.instant("rows_told.synced_at") }} AS reported_at
    FROM {{ ref('stg_harvest__uninvoiced_report') }} AS rows_told
    LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = rows_told.client_id
    UNION ALL
    SELECT windows.period_start, windows.period_end, work.client_id, work.client, work.project_id, work.project,
      work.currency,
      CAST(0 AS DECIMAL(18, 6)) AS reported_hours, CAST(0 AS DECIMAL(18, 6)) AS reported_uninvoiced_hours,
      CAST(0 AS DECIMAL(18, 4)) AS reported_expenses, CAST(0 AS DECIMAL(18, 4)) AS reported_amount,
      work.rounded_hours, work.uninvoiced_hours, work.time_amount, work.uninvoiced_expenses,
      0 AS report_rows, 1 AS records,
      CASE WHEN work.updated_at > told.synced_at THEN 1 ELSE 0 END AS changed,
      work.running_hours, work.hours_without_rate,
      {{ harvest_lake.instant("NULL") }} AS reported_at
    FROM (
      SELECT worked.day, worked.client_id, worked.client, worked.project_id, worked.project, worked.currency,
        worked.rounded_hours,
        CASE WHEN worked.is_billable AND NOT worked.is_invoiced THEN worked.rounded_hours
          ELSE CAST(0 AS DECIMAL(18, 6)) END AS uninvoiced_hours,
        CASE WHEN worked.is_billable AND NOT worked.is_invoiced
          THEN COALESCE(worked.billable_amount, CAST(0 AS DECIMAL(18, 4)))
          ELSE CAST(0 AS DECIMAL(18, 4)) END AS time_amount,
        CAST(0 AS DECIMAL(18, 4)) AS uninvoiced_expenses,
        CASE WHEN worked.is_running THEN worked.rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS running_hours,
        CASE WHEN worked.is_rate_missing AND NOT worked.is_invoiced THEN worked.rounded_hours
          ELSE CAST(0 AS DECIMAL(18, 6)) END AS hours_without_rate,
        records.updated_at
      FROM {{ ref('fact_time') }} AS worked
      JOIN {{ ref('stg_harvest__time_entries') }} AS records ON records.id = worked.time_entry_id
      UNION ALL
      SELECT spent.day, spent.client_id, spent.client, spent.project_id, spent.project, spent.currency,
        CAST(0 AS DECIMAL(18, 6)) AS rounded_hours, CAST(0 AS DECIMAL(18, 6)) AS uninvoiced_hours,
        CAST(0 AS DECIMAL(18, 4)) AS time_amount,
        CASE WHEN spent.is_billable AND NOT spent.is_invoiced THEN COALESCE(spent.amount, CAST(0 AS DECIMAL(18, 4)))
          ELSE CAST(0 AS DECIMAL(18, 4)) END AS uninvoiced_expenses,
        CAST(0 AS DECIMAL(18, 6)) AS running_hours, CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
        records.updated_at
      FROM {{ ref('fact_expenses') }} AS spent
      JOIN {{ ref('stg_harvest__expenses') }} AS records ON records.id = spent.expense_id
    ) AS work
    LEFT JOIN (SELECT DISTINCT period_start, period_end FROM {{ ref('stg_harvest__uninvoiced_report') }} AS uninvoiced_report) AS windows
      ON work.day >= windows.period_start AND work.day <= windows.period_end
    LEFT JOIN (
      SELECT period_start, period_end, project_id, MAX(synced_at) AS synced_at
      FROM {{ ref('stg_harvest__uninvoiced_report') }} AS uninvoiced_report
      GROUP BY period_start, period_end, project_id
    ) AS told
      ON told.period_start = windows.period_start
      AND told.period_end = windows.period_end
      AND told.project_id = work.project_id
  ) AS both_sides
  LEFT JOIN {{ ref('stg_harvest__projects') }} AS projects ON projects.id = both_sides.project_id
  GROUP BY both_sides.period_start, both_sides.period_end, both_sides.project_id, both_sides.currency
) AS sums
CROSS JOIN {{ ref('report_day') }} AS report
ORDER BY period_start DESC, client, project, project_id
