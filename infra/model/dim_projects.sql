-- One row for each version of a project, from valid_from until valid_to; the first version counts from the project's creation.
SELECT
  -- bigint: Id of the project.
  versions.id AS project_id,
  -- varchar: Name of the project.
  versions.name AS project,
  -- varchar: Code of the project.
  versions.code AS code,
  -- bigint: Id of its client.
  versions.client_id AS client_id,
  -- varchar: Name of its client when the project was last read.
  versions.client_name AS client,
  -- varchar: Currency of its rates, fee and budget in money.
  COALESCE(versions.currency, versions.client_currency) AS currency,
  -- boolean: False for archived projects.
  versions.is_active AS is_active,
  -- boolean: Whether work on it can be billable.
  versions.is_billable AS is_billable,
  -- boolean: Whether the client pays a fee and not the hours.
  COALESCE(versions.is_fixed_fee, FALSE) AS is_fixed_fee,
  -- decimal(18,4): The fee of a fixed-fee project, in its currency.
  versions.fee AS fee,
  -- varchar: Whose rates count: Project, Tasks, People or none.
  versions.bill_by AS bill_by,
  -- varchar: What the budget counts: project, task and person in hours, project_cost and task_fees in money, or
  --   none.
  versions.budget_by AS budget_by,
  -- decimal(18,6): Budget of the whole project, in budget_unit.
  CASE WHEN versions.budget_by IN ('project_cost', 'task_fees') THEN versions.cost_budget ELSE versions.budget END AS budget,
  -- varchar: hours, or the currency of a budget in money; null without a budget.
  CASE
    WHEN versions.budget_by IN ('project_cost', 'task_fees') THEN COALESCE(versions.currency, versions.client_currency)
    WHEN versions.budget_by IN ('project', 'task', 'person') THEN 'hours'
  END AS budget_unit,
  -- boolean: Whether the budget begins anew each month.
  COALESCE(versions.budget_is_monthly, FALSE) AS budget_is_monthly,
  -- boolean: Whether billable expenses count towards a budget in money.
  COALESCE(versions.cost_budget_include_expenses, FALSE) AS budget_includes_expenses,
  -- date: Planned beginning.
  versions.starts_on AS starts_on,
  -- date: Planned end.
  versions.ends_on AS ends_on,
  -- timestamp: Beginning of the version, UTC.
  {{instant(COALESCE(versions.first_created_at, versions.changed_at))}} AS valid_from,
  -- timestamp: End of the version, UTC; null for the present one.
  {{instant(versions.next_changed_at)}} AS valid_to,
  -- boolean: Whether it is the present version.
  versions.next_changed_at IS NULL AS is_current
FROM (
  SELECT *,
    CASE WHEN ROW_NUMBER() OVER (PARTITION BY id ORDER BY sequence) = 1 THEN created_at END AS first_created_at,
    LEAD(changed_at) OVER (PARTITION BY id ORDER BY sequence) AS next_changed_at
  FROM projects_changes
) AS versions
WHERE versions.op <> 'D'
