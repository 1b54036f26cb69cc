-- Question: what did an hour of work bring in the end, and how much is that of what it was worth at its rates?
-- Assumptions: rounded hours of work by time and materials that are on invoices or marked so, and all billable hours until
-- today where a fee is fixed; against them all lines of invoices for work on the project, without drafts, discounts and taxes,
-- credit notes included; from the beginning of the project; hours without a rate are counted and worth nothing.
-- Harvest cannot tell: which line of an invoice pays which entry.
SELECT
  -- Id of the client.
  worked.client_id,
  -- Name of the client.
  MAX(worked.client) AS client,
  -- Id of the project.
  worked.project_id,
  -- Name of the project.
  MAX(worked.project) AS project,
  -- Currency of all amounts.
  worked.currency,
  -- fixed fee, or time and materials.
  CASE WHEN MAX(CASE WHEN worked.is_fixed_fee THEN 1 ELSE 0 END) = 1 THEN 'fixed fee' ELSE 'time and materials' END AS kind,
  -- Rounded hours of the billable entries that count.
  SUM(worked.rounded_hours) AS rounded_hours,
  -- Rounded hours of billable entries without a rate, which are in no amount.
  SUM(CASE WHEN worked.is_rate_missing THEN worked.rounded_hours ELSE 0 END) AS hours_without_rate,
  -- What these hours are worth at their rates, in currency.
  SUM(COALESCE(worked.fixed_fee_at_rates, worked.billable_amount, 0)) AS amount_at_rates,
  -- Invoiced lines for work on the project, credit notes included, in currency.
  MAX(invoiced.amount) AS invoiced_amount,
  -- Invoiced amount for each hour, in currency.
  {{ratio(MAX(invoiced.amount); SUM(worked.rounded_hours))}} AS effective_rate,
  -- Invoiced amount as share of the amount at rates, in percent.
  {{percent(
    MAX(invoiced.amount);
    SUM(COALESCE(worked.fixed_fee_at_rates, worked.billable_amount, 0))
  )}} AS realisation_percent
FROM fact_time AS worked
JOIN (
  SELECT project_id, SUM(amount) AS amount
  FROM fact_invoice_lines
  WHERE NOT is_expense AND state <> 'draft' AND project_id IS NOT NULL
  GROUP BY project_id
) AS invoiced ON invoiced.project_id = worked.project_id
WHERE worked.is_billable AND NOT worked.is_future AND (worked.is_fixed_fee OR worked.is_invoiced)
GROUP BY worked.client_id, worked.project_id, worked.currency
ORDER BY client, project, project_id
