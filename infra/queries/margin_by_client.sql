-- Question: what did each client bring in the twelve months until today, what did it cost, and what is left?
-- Assumptions: time and materials bring in their rounded hours at the rates of the day, invoiced or not; a fixed fee brings in
-- the lines of invoices for work on the project that were issued in these months, without drafts, discounts and taxes;
-- billable expenses bring in their amount. Time costs the rounded hours at the cost rate of the day, in the account's
-- currency; hours without a rate or a cost rate are counted and in no amount. There is a margin only where both currencies
-- are the same.
-- Harvest cannot tell: exchange rates, overheads, how much of a fixed fee is earned.
SELECT
  sums.*,
  -- Revenue less expenses and cost of time, in currency; null where the currencies differ.
  CASE WHEN sums.currency = sums.time_cost_currency
    THEN sums.revenue - sums.expense_cost - sums.time_cost END AS margin,
  -- Margin as share of the revenue, in percent.
  CASE WHEN sums.currency = sums.time_cost_currency
    THEN {{percent(sums.revenue - sums.expense_cost - sums.time_cost; sums.revenue)}} END AS margin_percent
FROM (
  SELECT
    -- Id of the client.
    work.client_id,
    -- Name of the client.
    MAX(work.client) AS client,
    -- Currency of all amounts but time_cost.
    work.currency,
    -- Rounded hours of the entries.
    SUM(work.rounded_hours) AS rounded_hours,
    -- Rounded hours by time and materials at their rates, in currency.
    SUM(work.time_amount) AS time_amount,
    -- Invoiced lines for work on fixed fees, in currency.
    SUM(work.fee_amount) AS fixed_fee_invoiced,
    -- Billable expenses, in currency.
    SUM(work.expense_amount) AS billable_expenses,
    -- Sum of the three, in currency.
    SUM(work.time_amount) + SUM(work.fee_amount) + SUM(work.expense_amount) AS revenue,
    -- Expenses, billable or not, in currency.
    SUM(work.expense_cost) AS expense_cost,
    -- Rounded hours at the cost rates, in time_cost_currency.
    SUM(work.time_cost) AS time_cost,
    -- Currency of time_cost, the account's own; null if Harvest does not tell it.
    MAX(account.currency) AS time_cost_currency,
    -- Rounded hours of billable entries without a rate, which are in no amount.
    SUM(work.hours_without_rate) AS hours_without_rate,
    -- Rounded hours of entries without a cost rate, which are in no cost.
    SUM(work.hours_without_cost) AS hours_without_cost
  FROM fact_revenue_and_cost AS work
  CROSS JOIN (SELECT MAX(currency) AS currency FROM company) AS account
  CROSS JOIN report_day AS report
  WHERE work.day <= report.today AND work.day > {{plus_months(report.today; -12)}}
  GROUP BY work.client_id, work.currency
) AS sums
ORDER BY client, client_id
