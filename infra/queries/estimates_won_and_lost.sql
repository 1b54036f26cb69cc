-- Question: which estimates of the last twelve months were accepted and which declined, client by client?
-- Assumptions: by the day of issue; with taxes; the share that was won is of the amounts that were answered.
-- Harvest cannot tell: why, and estimates that nobody will answer any more.
SELECT
  answers.*,
  -- Share of the answered amounts that was won, in percent.
  {{percent(answers.won_amount; answers.won_amount + answers.lost_amount)}} AS won_percent
FROM (
  SELECT
    -- Id of the client.
    estimates.client_id,
    -- Name of the client.
    MAX(estimates.client) AS client,
    -- Currency of all amounts.
    estimates.currency,
    -- Number of accepted estimates.
    SUM(CASE WHEN estimates.state = 'accepted' THEN 1 ELSE 0 END) AS won,
    -- Their amount, in currency.
    SUM(CASE WHEN estimates.state = 'accepted' THEN estimates.amount ELSE 0 END) AS won_amount,
    -- Number of declined estimates.
    SUM(CASE WHEN estimates.state = 'declined' THEN 1 ELSE 0 END) AS lost,
    -- Their amount, in currency.
    SUM(CASE WHEN estimates.state = 'declined' THEN estimates.amount ELSE 0 END) AS lost_amount,
    -- Number of estimates without an answer.
    SUM(CASE WHEN estimates.state = 'sent' THEN 1 ELSE 0 END) AS waiting,
    -- Their amount, in currency.
    SUM(CASE WHEN estimates.state = 'sent' THEN estimates.amount ELSE 0 END) AS waiting_amount
  FROM fact_estimates AS estimates
  CROSS JOIN report_day AS report
  WHERE estimates.state <> 'draft'
    AND estimates.issue_date <= report.today
    AND estimates.issue_date > {{plus_months(report.today; -12)}}
  GROUP BY estimates.client_id, estimates.currency
) AS answers
ORDER BY client, client_id
