-- Hours of this calendar year by client: billable, not billable, and what the billable ones are worth
-- at their rates. Entries without a rate are worth nothing; each client has one currency.
SELECT
  client_id,
  MAX(client_name) AS client,
  client_currency AS currency,
  SUM(hours) AS hours,
  SUM(CASE WHEN billable THEN hours ELSE 0 END) AS billable_hours,
  SUM(CASE WHEN billable THEN 0 ELSE hours END) AS other_hours,
  SUM(CASE WHEN billable THEN rounded_hours * COALESCE(billable_rate, 0) ELSE 0 END) AS billable_amount
FROM time_entries
WHERE spent_date >= DATE_TRUNC('year', CURRENT_DATE)
GROUP BY client_id, client_currency
ORDER BY hours DESC, client_id
