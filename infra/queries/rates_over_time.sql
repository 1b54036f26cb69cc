-- Question: which rates and costs did people have, from when to when, and how did they change?
-- Assumptions: a rate without a first day counts from the beginning; active people without any rate are in rows without one.
-- Billable rates are in the currency of each client, costs in that of the account. Projects and tasks may have rates of
-- their own, which are not here.
-- Harvest cannot tell: rates that were replaced for all time, unless the tables of changes reach so far.
SELECT
  -- Id of the person.
  people.id AS user_id,
  -- Name of the person.
  CONCAT(COALESCE(people.first_name, ''), ' ', COALESCE(people.last_name, '')) AS person,
  -- billable or cost.
  kinds.kind,
  -- Rate per hour: billable ones in the currency of each client, costs in the account's own; null if there is none.
  rates.amount,
  -- First day of the rate; null since ever.
  rates.start_date,
  -- Last day of the rate; null for the present one.
  rates.end_date,
  -- Change against the rate before, in percent.
  {{percent(rates.amount - rates.former; rates.former)}} AS change_percent
FROM users AS people
CROSS JOIN (VALUES ('billable'), ('cost')) AS kinds (kind)
LEFT JOIN (
  SELECT both_kinds.*,
    LAG(amount) OVER (PARTITION BY user_id, kind ORDER BY COALESCE(start_date, DATE '1900-01-01')) AS former
  FROM (
    SELECT 'billable' AS kind, user_id, amount, start_date, end_date FROM user_billable_rates
    UNION ALL
    SELECT 'cost' AS kind, user_id, amount, start_date, end_date FROM user_cost_rates
  ) AS both_kinds
) AS rates ON rates.user_id = people.id AND rates.kind = kinds.kind
WHERE people.is_active OR rates.amount IS NOT NULL
ORDER BY person, user_id, kind, end_date
