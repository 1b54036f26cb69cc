{# Written by dbt/generate.py; do not edit. From infra/model/fact_invoice_lines.sql. #}
{{ config(enabled=harvest_lake.has(['clients', 'invoice_item_categories', 'invoices'])) }}
SELECT
  lines.invoice_id AS invoice_id,
  lines.line_item_id AS line_item_id,
  lines.position AS position,
  lines.invoice_number AS number,
  lines.invoice_state AS state,
  lines.issue_date AS issue_date,
  lines.client_id AS client_id,
  lines.client_name AS client,
  lines.project_id AS project_id,
  lines.project_name AS project,
  lines.kind AS kind,
  COALESCE(categories.is_expense, FALSE) AS is_expense,
  COALESCE(lines.currency, clients.currency) AS currency,
  lines.quantity AS quantity,
  lines.unit_price AS unit_price,
  lines.amount AS amount
FROM {{ ref('invoice_line_items') }} AS lines
LEFT JOIN {{ ref('stg_harvest__clients') }} AS clients ON clients.id = lines.client_id
LEFT JOIN (
  SELECT name, MAX(CASE WHEN use_as_expense AND NOT use_as_service THEN 1 ELSE 0 END) = 1 AS is_expense
  FROM {{ ref('stg_harvest__invoice_item_categories') }} AS invoice_item_categories
  GROUP BY name
) AS categories ON categories.name = lines.kind
