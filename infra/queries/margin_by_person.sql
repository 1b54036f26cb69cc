-- Question: what is the work of each person in the twelve months until today worth, and what did it cost?
-- Assumptions: billable rounded hours at the rates of the day, those of fixed fees as well; rounded hours at the cost rate of
-- the day, in the account's currency; hours without a rate or a cost rate are counted and in no amount. There is a margin
-- only where both currencies are the same and a cost rate is known. Expenses are not in it.
-- Harvest cannot tell: exchange rates, overheads, whose work a fixed fee pays.
SELECT
  sums.*,
  -- What the hours are worth at the rates less their cost, in currency; null where the currencies differ.
  CASE WHEN sums.currency = sums.time_cost_currency
    THEN sums.time_amount + sums.fixed_fee_at_rates - sums.time_cost END AS margin,
  -- Margin as share of that worth, in percent.
  CASE WHEN sums.currency = sums.time_cost_currency THEN
    {{percent(sums.time_amount + sums.fixed_fee_at_rates - sums.time_cost; sums.time_amount + sums.fixed_fee_at_rates)}}
  END AS margin_percent
FROM (
  SELECT
    -- Id of the person.
    entries.user_id,
    -- Name of the person.
    MAX(entries.person) AS person,
    -- Currency of all amounts but time_cost.
    entries.currency,
    -- Rounded hours of the entries.
    SUM(entries.rounded_hours) AS rounded_hours,
    -- Rounded hours by time and materials at their rates, in currency.
    SUM(COALESCE(entries.billable_amount, 0)) AS time_amount,
    -- What hours of fixed fees would be worth at their rates, in currency.
    SUM(COALESCE(entries.fixed_fee_at_rates, 0)) AS fixed_fee_at_rates,
    -- Rounded hours at the cost rates, in time_cost_currency; null if no cost rate is known.
    SUM(entries.cost_amount) AS time_cost,
    -- Currency of time_cost, the account's own; null if Harvest does not tell it.
    MAX(entries.cost_currency) AS time_cost_currency,
    -- Rounded hours of billable entries without a rate, which are in no amount.
    SUM(CASE WHEN entries.is_rate_missing THEN entries.rounded_hours ELSE 0 END) AS hours_without_rate,
    -- Rounded hours of entries without a cost rate, which are in no cost.
    SUM(CASE WHEN entries.cost_rate IS NULL THEN entries.rounded_hours ELSE 0 END) AS hours_without_cost
  FROM fact_time AS entries
  CROSS JOIN report_day AS report
  WHERE NOT entries.is_future AND entries.day > {{plus_months(report.today; -12)}}
  GROUP BY entries.user_id, entries.currency
) AS sums
ORDER BY person, user_id, currency
