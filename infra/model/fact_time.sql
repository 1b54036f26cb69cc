-- One row for each time entry. Add up rounded_hours to agree with Harvest's reports and invoices, and hours for what people
-- tracked. Amounts and costs are of the rounded hours.
SELECT
  -- bigint: Id of the entry.
  entries.id AS time_entry_id,
  -- date: Day of the work, as the person keeps it.
  entries.spent_date AS day,
  -- date: First day of its week, by company.week_start_day.
  days.week_start AS week_start,
  -- date: First day of its month.
  days.month_start AS month_start,
  -- boolean: Whether the work is only planned: its day is after today.
  entries.spent_date > report.today AS is_future,
  -- bigint: Id of the person.
  entries.user_id AS user_id,
  -- varchar: Name of the person.
  entries.user_name AS person,
  -- bigint: Id of the client.
  entries.client_id AS client_id,
  -- varchar: Name of the client.
  entries.client_name AS client,
  -- bigint: Id of the project.
  entries.project_id AS project_id,
  -- varchar: Name of the project.
  entries.project_name AS project,
  -- bigint: Id of the task.
  entries.task_id AS task_id,
  -- varchar: Name of the task.
  entries.task_name AS task,
  -- decimal(18,6): Hours as tracked; of a running timer those so far.
  entries.hours AS hours,
  -- decimal(18,6): Hours by the account's rounding rule, as reports and invoices have them.
  COALESCE(entries.rounded_hours, entries.hours) AS rounded_hours,
  -- boolean: Whether the client pays for the work.
  entries.billable AS is_billable,
  -- boolean: Whether the client pays a fee for the project, and not these hours.
  COALESCE(projects.is_fixed_fee, FALSE) AS is_fixed_fee,
  -- varchar: Currency of rate and amounts, the client's.
  COALESCE(entries.client_currency, clients.currency) AS currency,
  -- decimal(18,6): Rate per hour on the day of the work; null if there is none or the token may not see it.
  entries.billable_rate AS billable_rate,
  -- decimal(18,4): Rounded hours at the rate, in currency. 0 for work that is not billable or of a fixed fee, as in
  --   Harvest's reports; null if the rate is missing.
  CASE
    WHEN NOT entries.billable OR projects.is_fixed_fee THEN CAST(0 AS DECIMAL(18, 4))
    ELSE CAST(CAST(COALESCE(entries.rounded_hours, entries.hours) AS DECIMAL(19, 6)) * entries.billable_rate AS DECIMAL(18, 4))
  END AS billable_amount,
  -- decimal(18,4): What billable hours of a fixed fee would be worth at their rates, in currency. Nobody owes it.
  CASE
    WHEN entries.billable AND projects.is_fixed_fee
      THEN CAST(CAST(COALESCE(entries.rounded_hours, entries.hours) AS DECIMAL(19, 6)) * entries.billable_rate AS DECIMAL(18, 4))
  END AS fixed_fee_at_rates,
  -- boolean: Billable, but without a rate.
  entries.billable AND entries.billable_rate IS NULL AS is_rate_missing,
  -- decimal(18,6): Cost per hour on the day of the work, in cost_currency.
  entries.cost_rate AS cost_rate,
  -- decimal(18,4): Rounded hours at the cost rate, in cost_currency; null if the cost rate is missing.
  CAST(CAST(COALESCE(entries.rounded_hours, entries.hours) AS DECIMAL(19, 6)) * entries.cost_rate AS DECIMAL(18, 4)) AS cost_amount,
  -- varchar: Currency of costs, the account's own; null if Harvest does not tell it.
  account.currency AS cost_currency,
  -- bigint: Id of the invoice that bills the entry.
  entries.invoice_id AS invoice_id,
  -- boolean: Whether the entry is on an invoice, drafts included, or marked as invoiced.
  COALESCE(entries.is_billed, FALSE) AS is_invoiced,
  -- boolean: Whether the hours count towards the project's budget.
  COALESCE(entries.budgeted, FALSE) AS is_budgeted,
  -- varchar: unsubmitted, submitted or approved.
  entries.approval_status AS approval_status,
  -- boolean: Whether the timer runs.
  COALESCE(entries.is_running, FALSE) AS is_running,
  -- varchar: Beginning as HH:MM of 24 hours; null where only durations are tracked.
  {{time_of_day(entries.started_time)}} AS started_at,
  -- varchar: End as HH:MM of 24 hours.
  {{time_of_day(entries.ended_time)}} AS ended_at,
  -- boolean: False if the person is archived now.
  people.is_active AS is_person_active,
  -- boolean: Whether the person is a contractor now.
  people.is_contractor AS is_contractor,
  -- decimal(18,6): The person's capacity now in hours per week. fact_capacity has that of each day.
  CAST(CAST(people.weekly_capacity AS DOUBLE) / 3600 AS DECIMAL(18, 6)) AS present_weekly_capacity
FROM time_entries AS entries
LEFT JOIN projects ON projects.id = entries.project_id
LEFT JOIN clients ON clients.id = entries.client_id
LEFT JOIN users AS people ON people.id = entries.user_id
LEFT JOIN dim_days AS days ON days.day = entries.spent_date
CROSS JOIN (SELECT MAX(currency) AS currency FROM company) AS account
CROSS JOIN report_day AS report
