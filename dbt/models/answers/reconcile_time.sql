{# Written by dbt/generate.py; do not edit. From infra/queries/reconcile_time.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'company', 'projects', 'time_entries', 'time_report_projects', 'users'])) }}
SELECT
  sums.period_start,
  sums.period_end,
  sums.client_id,
  sums.client,
  sums.project_id,
  sums.project,
  sums.currency,
  CASE
    WHEN sums.hours_difference = 0 AND sums.billable_hours_difference = 0 AND COALESCE(sums.amount_difference, 0) = 0 THEN 'equal'
    WHEN sums.period_start IS NULL THEN 'no window'
    WHEN sums.report_rows = 0 THEN 'not reported'
    WHEN sums.entries = 0 THEN 'no entries'
    WHEN sums.entries_changed_since > 0 THEN 'changed since'
    WHEN sums.running_hours > 0 THEN 'timer runs'
    WHEN sums.hours_difference = 0 AND sums.billable_hours_difference = 0
      AND ABS(sums.amount_difference) * 100 <= sums.entries THEN 'rounding'
    WHEN sums.hours_difference = 0 AND sums.billable_hours_difference = 0
      AND sums.amount_difference + sums.fixed_fee_at_rates = 0 THEN 'fixed fee'
    ELSE 'differs'
  END AS compared,
  sums.reported_hours,
  sums.rounded_hours,
  sums.hours_difference,
  sums.reported_billable_hours,
  sums.billable_rounded_hours,
  sums.billable_hours_difference,
  sums.reported_amount,
  sums.billable_amount,
  sums.amount_difference,
  sums.entries,
  sums.entries_changed_since,
  sums.running_hours,
  sums.hours,
  sums.hours_without_rate,
  sums.fixed_fee_at_rates,
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
    SUM(both_sides.reported_hours) AS reported_hours,
    SUM(both_sides.rounded_hours) AS rounded_hours,
    SUM(both_sides.rounded_hours) - SUM(both_sides.reported_hours) AS hours_difference,
    SUM(both_sides.reported_billable_hours) AS reported_billable_hours,
    SUM(both_sides.billable_rounded_hours) AS billable_rounded_hours,
    SUM(both_sides.billable_rounded_hours) - SUM(both_sides.reported_billable_hours) AS billable_hours_difference,
    CASE WHEN MAX(both_sides.hidden) = 0 THEN SUM(both_sides.reported_amount) END AS reported_amount,
    SUM(both_sides.billable_amount) AS billable_amount,
    CASE WHEN MAX(both_sides.hidden) = 0
      THEN SUM(both_sides.billable_amount) - SUM(both_sides.reported_amount) END AS amount_difference,
    SUM(both_sides.report_rows) AS report_rows,
    SUM(both_sides.entries) AS entries,
    SUM(both_sides.changed) AS entries_changed_since,
    SUM(both_sides.running_hours) AS running_hours,
    SUM(both_sides.hours) AS hours,
    SUM(both_sides.hours_without_rate) AS hours_without_rate,
    SUM(both_sides.fixed_fee_at_rates) AS fixed_fee_at_rates,
    MAX(both_sides.reported_at) AS reported_at
  FROM (
    SELECT rows_told.period_start, rows_told.period_end, rows_told.client_id, rows_told.client_name AS client,
      rows_told.project_id, rows_told.project_name AS project,
      COALESCE(rows_told.currency, clients.currency) AS currency,
      rows_told.total_hours AS reported_hours,
      rows_told.billable_hours AS reported_billable_hours,
      COALESCE(rows_told.billable_amount, CAST(0 AS DECIMAL(18, 4))) AS reported_amount,
      CASE WHEN rows_told.billable_amount IS NULL THEN 1 ELSE 0 END AS hidden,
      CAST(0 AS DECIMAL(18, 6)) AS rounded_hours, CAST(0 AS DECIMAL(18, 6)) AS billable_rounded_hours,
      CAST(0 AS DECIMAL(18, 4)) AS billable_amount, 1 AS report_rows, 0 AS entries, 0 AS changed,
      CAST(0 AS DECIMAL(18, 6)) AS running_hours, CAST(0 AS DECIMAL(18, 6)) AS hours,
      CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate, CAST(0 AS DECIMAL(18, 4)) AS fixed_fee_at_rates,
      {{ harvest_lake.instant("rows_told.synced_at") }} AS reported_at
    FROM {{ ref('stg_harvest__time_report_projects') }} AS rows_told
    LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = rows_told.client_id
    UNION ALL
    SELECT windows.period_start, windows.period_end, worked.client_id, worked.client, worked.project_id, worked.project,
      worked.currency,
      CAST(0 AS DECIMAL(18, 6)) AS reported_hours, CAST(0 AS DECIMAL(18, 6)) AS reported_billable_hours,
      CAST(0 AS DECIMAL(18, 4)) AS reported_amount, 0 AS hidden,
      worked.rounded_hours,
      CASE WHEN worked.is_billable THEN worked.rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS billable_rounded_hours,
      COALESCE(worked.billable_amount, CAST(0 AS DECIMAL(18, 4))) AS billable_amount,
      0 AS report_rows, 1 AS entries,
      CASE WHEN records.updated_at > told.synced_at THEN 1 ELSE 0 END AS changed,
      CASE WHEN worked.is_running THEN worked.rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS running_hours,
      worked.hours,
      CASE WHEN worked.is_rate_missing THEN worked.rounded_hours ELSE CAST(0 AS DECIMAL(18, 6)) END AS hours_without_rate,
      COALESCE(worked.fixed_fee_at_rates, CAST(0 AS DECIMAL(18, 4))) AS fixed_fee_at_rates,
      {{ harvest_lake.instant("NULL") }} AS reported_at
    FROM {{ ref('fact_time') }} AS worked
    JOIN {{ ref('stg_harvest__time_entries') }} AS records ON records.id = worked.time_entry_id
    LEFT JOIN (SELECT DISTINCT period_start, period_end FROM {{ ref('stg_harvest__time_report_projects') }} AS time_report_projects) AS windows
      ON worked.day >= windows.period_start AND worked.day <= windows.period_end
    LEFT JOIN (
      SELECT period_start, period_end, project_id, MAX(synced_at) AS synced_at
      FROM {{ ref('stg_harvest__time_report_projects') }} AS time_report_projects
      GROUP BY period_start, period_end, project_id
    ) AS told
      ON told.period_start = windows.period_start
      AND told.period_end = windows.period_end
      AND told.project_id = worked.project_id
  ) AS both_sides
  LEFT JOIN {{ ref('stg_harvest__projects') }} AS projects ON projects.id = both_sides.project_id
  GROUP BY both_sides.period_start, both_sides.period_end, both_sides.project_id, both_sides.currency
) AS sums
CROSS JOIN {{ ref('report_day') }} AS report
ORDER BY period_start DESC, client, project, project_id
