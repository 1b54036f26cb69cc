-- One row for each estimate.
SELECT
  -- bigint: Id of the estimate.
  estimates.id AS estimate_id,
  -- varchar: Number of the estimate.
  estimates.number AS number,
  -- bigint: Id of the client.
  estimates.client_id AS client_id,
  -- varchar: Name of the client.
  estimates.client_name AS client,
  -- varchar: Currency of its amounts.
  COALESCE(estimates.currency, clients.currency) AS currency,
  -- varchar: draft, sent, accepted or declined.
  estimates.state AS state,
  -- date: Day of issue; null if it has none.
  estimates.issue_date AS issue_date,
  -- date: Day in UTC on which it was accepted or declined.
  CAST(COALESCE(estimates.accepted_at, estimates.declined_at) AS DATE) AS answered_on,
  -- decimal(18,4): Amount with taxes, less discount, in currency.
  estimates.amount AS amount,
  -- decimal(18,4): Amount without taxes, in currency.
  CAST(estimates.amount - COALESCE(estimates.tax_amount, 0) - COALESCE(estimates.tax2_amount, 0) AS DECIMAL(18, 4)) AS net_amount
FROM estimates
LEFT JOIN clients ON clients.id = estimates.client_id
