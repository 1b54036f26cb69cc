{# Written by dbt/generate.py; do not edit. From infra/model/fact_estimates.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'estimates'])) }}
SELECT
  estimates.id AS estimate_id,
  estimates.number AS number,
  estimates.client_id AS client_id,
  estimates.client_name AS client,
  COALESCE(estimates.currency, clients.currency) AS currency,
  estimates.state AS state,
  estimates.issue_date AS issue_date,
  CAST(COALESCE(estimates.accepted_at, estimates.declined_at) AS DATE) AS answered_on,
  estimates.amount AS amount,
  CAST(estimates.amount - COALESCE(estimates.tax_amount, 0) - COALESCE(estimates.tax2_amount, 0) AS DECIMAL(18, 4)) AS net_amount
FROM {{ ref('stg_harvest__estimates') }} AS estimates
LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = estimates.client_id
