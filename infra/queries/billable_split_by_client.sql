-- Question: how many hours of this calendar year were billable, client by client, and what are they worth?
-- Assumptions: rounded hours and their rates, as in Harvest's reports; hours of fixed fees are worth nothing there, and what
-- they would be worth at their rates stands beside; hours without a rate are counted and in no amount; no future work.
-- Harvest cannot tell: exchange rates, so that currencies are never added.
SELECT
  -- Id of the client.
  entries.client_id,
  -- Name of the client.
  MAX(entries.client) AS client,
  -- Currency of all amounts.
  entries.currency,
  -- Rounded hours of the entries.
  SUM(entries.rounded_hours) AS rounded_hours,
  -- Rounded hours of billable entries.
  SUM(CASE WHEN entries.is_billable THEN entries.rounded_hours ELSE 0 END) AS billable_rounded_hours,
  -- Rounded hours of billable entries for which the client pays a fee.
  SUM(CASE WHEN entries.is_billable AND entries.is_fixed_fee THEN entries.rounded_hours ELSE 0 END) AS fixed_fee_rounded_hours,
  -- Rounded hours of entries that are not billable.
  SUM(CASE WHEN entries.is_billable THEN 0 ELSE entries.rounded_hours END) AS other_rounded_hours,
  -- Billable rounded hours at their rates without those of fixed fees, in currency.
  SUM(COALESCE(entries.billable_amount, 0)) AS billable_amount,
  -- What hours of fixed fees would be worth at their rates, in currency.
  SUM(COALESCE(entries.fixed_fee_at_rates, 0)) AS fixed_fee_at_rates,
  -- Rounded hours of billable entries without a rate, which are in no amount.
  SUM(CASE WHEN entries.is_rate_missing THEN entries.rounded_hours ELSE 0 END) AS hours_without_rate
FROM fact_time AS entries
CROSS JOIN report_day AS report
WHERE NOT entries.is_future AND EXTRACT(YEAR FROM entries.day) = EXTRACT(YEAR FROM report.today)
GROUP BY entries.client_id, entries.currency
ORDER BY client, client_id
