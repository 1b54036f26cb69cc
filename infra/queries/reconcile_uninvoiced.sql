-- Question: do uninvoiced hours and expenses agree with Harvest's own uninvoiced report, window by window and project by project?
-- Assumptions: both count rounded hours, planned work and expenses included, at the rates, hours without a rate at 0, and drafts
-- as invoices. Differences are records less report; up to a cent for each record is called rounding. A day that no row of the
-- report covers is in a row without a window.
-- Harvest cannot tell: how the report comes to the amount of a fixed fee, so that it is not compared; what a report said on an
-- earlier day. Records that were deleted count until a sweep has proven it.
SELECT
  -- First day of the report's window; null where no window has the days of the records.
  sums.period_start,
  -- Last day of the window.
  sums.period_end,
  -- Id of the client.
  sums.client_id,
  -- Name of the client.
  sums.client,
  -- Id of the project.
  sums.project_id,
  -- Name of the project.
  sums.project,
  -- Currency of all amounts.
  sums.currency,
  -- Whether the client pays a fee for the project.
  sums.is_fixed_fee,
  -- equal, or why the two may differ: no window, not reported, no records, changed since, timer runs, rounding; differs.
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
  -- Hours by the report, billable or not, invoiced or not.
  sums.reported_hours,
  -- Rounded hours of the entries.
  sums.rounded_hours,
  -- Rounded hours less those of the report.
  sums.hours_difference,
  -- Billable hours on no invoice by the report.
  sums.reported_uninvoiced_hours,
  -- Rounded hours of billable entries on no invoice.
  sums.uninvoiced_hours,
  -- Uninvoiced hours less those of the report.
  sums.uninvoiced_hours_difference,
  -- Billable expenses on no invoice by the report, in currency.
  sums.reported_expenses,
  -- Billable expenses on no invoice, in currency.
  sums.uninvoiced_expenses,
  -- Uninvoiced expenses less those of the report, in currency.
  sums.expenses_difference,
  -- Uninvoiced amount by the report, hours and expenses, in currency.
  sums.reported_amount,
  -- Uninvoiced hours at their rates and expenses, in currency; null for a fixed fee.
  sums.uninvoiced_amount,
  -- Uninvoiced amount less that of the report, in currency; null for a fixed fee.
  sums.amount_difference,
  -- Number of entries and expenses, invoiced or not.
  sums.records,
  -- Number of these that changed in Harvest after the report had its present numbers, as they do with an invoice.
  sums.records_changed_since,
  -- Rounded hours of running timers, which grow between two readings.
  sums.running_hours,
  -- Rounded hours of billable entries without a rate on no invoice, which are in no amount.
  sums.hours_without_rate,
  -- When the report was read that has these numbers, UTC.
  sums.reported_at,
  -- Whether the window is not over.
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
      {{instant(rows_told.synced_at)}} AS reported_at
    FROM uninvoiced_report AS rows_told
    LEFT JOIN clients ON clients.id = rows_told.client_id
    UNION ALL
    SELECT windows.period_start, windows.period_end, work.client_id, work.client, work.project_id, work.project,
      work.currency,
      CAST(0 AS DECIMAL(18, 6)) AS reported_hours, CAST(0 AS DECIMAL(18, 6)) AS reported_uninvoiced_hours,
      CAST(0 AS DECIMAL(18, 4)) AS reported_expenses, CAST(0 AS DECIMAL(18, 4)) AS reported_amount,
      work.rounded_hours, work.uninvoiced_hours, work.time_amount, work.uninvoiced_expenses,
      0 AS report_rows, 1 AS records,
      CASE WHEN work.updated_at > told.synced_at THEN 1 ELSE 0 END AS changed,
      work.running_hours, work.hours_without_rate,
      {{instant(NULL)}} AS reported_at
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
      FROM fact_time AS worked
      JOIN time_entries AS records ON records.id = worked.time_entry_id
      UNION ALL
      SELECT spent.day, spent.client_id, spent.client, spent.project_id, spent.project, spent.currency,
        CAST(0 AS DECIMAL(18, 6)) AS rounded_hours, CAST(0 AS DECIMAL(18, 6)) AS uninvoiced_hours,
        CAST(0 AS DECIMAL(18, 4)) AS time_amount,
        CASE WHEN spent.is_billable AND NOT spent.is_invoiced THEN COALESCE(spent.amount, CAST(0 AS DECIMAL(18, 4)))
          ELSE CAST(0 AS DECIMAL(18, 4)) END AS uninvoiced_expenses,
        CAST(0 AS DECIMAL(18, 6)) AS running_hours, CAST(0 AS DECIMAL(18, 6)) AS hours_without_rate,
        records.updated_at
      FROM fact_expenses AS spent
      JOIN expenses AS records ON records.id = spent.expense_id
    ) AS work
    LEFT JOIN (SELECT DISTINCT period_start, period_end FROM uninvoiced_report) AS windows
      ON work.day >= windows.period_start AND work.day <= windows.period_end
    LEFT JOIN (
      SELECT period_start, period_end, project_id, MAX(synced_at) AS synced_at
      FROM uninvoiced_report
      GROUP BY period_start, period_end, project_id
    ) AS told
      ON told.period_start = windows.period_start
      AND told.period_end = windows.period_end
      AND told.project_id = work.project_id
  ) AS both_sides
  LEFT JOIN projects ON projects.id = both_sides.project_id
  GROUP BY both_sides.period_start, both_sides.period_end, both_sides.project_id, both_sides.currency
) AS sums
CROSS JOIN report_day AS report
ORDER BY period_start DESC, client, project, project_id
