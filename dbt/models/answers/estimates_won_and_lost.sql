{# Written by dbt/generate.py; do not edit. From infra/queries/estimates_won_and_lost.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'estimates'])) }}
SELECT
  answers.*,
  {{ harvest_lake.percent("answers.won_amount", "answers.won_amount + answers.lost_amount") }} AS won_percent
FROM (
  SELECT
    estimates.client_id,
    MAX(estimates.client) AS client,
    estimates.currency,
    SUM(CASE WHEN estimates.state = 'accepted' THEN 1 ELSE 0 END) AS won,
    SUM(CASE WHEN estimates.state = 'accepted' THEN estimates.amount ELSE 0 END) AS won_amount,
    SUM(CASE WHEN estimates.state = 'declined' THEN 1 ELSE 0 END) AS lost,
    SUM(CASE WHEN estimates.state = 'declined' THEN estimates.amount ELSE 0 END) AS lost_amount,
    SUM(CASE WHEN estimates.state = 'sent' THEN 1 ELSE 0 END) AS waiting,
    SUM(CASE WHEN estimates.state = 'sent' THEN estimates.amount ELSE 0 END) AS waiting_amount
  FROM {{ ref('fact_estimates') }} AS estimates
  CROSS JOIN {{ ref('report_day') }} AS report
  WHERE estimates.state <> 'draft'
    AND estimates.issue_date <= report.today
    AND estimates.issue_date > {{ harvest_lake.plus_months("report.today", "-12") }}
  GROUP BY estimates.client_id, estimates.currency
) AS answers
ORDER BY client, client_id
