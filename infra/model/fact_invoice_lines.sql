-- One row for each line of an invoice. Amounts of lines are before the discount and the taxes of their invoice.
SELECT
  -- bigint: Id of the invoice.
  lines.invoice_id AS invoice_id,
  -- bigint: Id of the line.
  lines.line_item_id AS line_item_id,
  -- bigint: Place of the line on the invoice, from 1.
  lines.position AS position,
  -- varchar: Number of the invoice.
  lines.invoice_number AS number,
  -- varchar: State of the invoice: draft, open, paid or closed.
  lines.invoice_state AS state,
  -- date: Day of issue of the invoice.
  lines.issue_date AS issue_date,
  -- bigint: Id of the client.
  lines.client_id AS client_id,
  -- varchar: Name of the client.
  lines.client_name AS client,
  -- bigint: Id of the project; null for a line without one.
  lines.project_id AS project_id,
  -- varchar: Name that the project had when the line was written.
  lines.project_name AS project,
  -- varchar: Name of the item category.
  lines.kind AS kind,
  -- boolean: Whether the category is the one for expenses and not for work.
  COALESCE(categories.is_expense, FALSE) AS is_expense,
  -- varchar: Currency of the amount.
  COALESCE(lines.currency, clients.currency) AS currency,
  -- decimal(18,6): Quantity, of work often hours.
  lines.quantity AS quantity,
  -- decimal(18,6): Price of one, in currency.
  lines.unit_price AS unit_price,
  -- decimal(18,4): Amount of the line, in currency.
  lines.amount AS amount
FROM invoice_line_items AS lines
LEFT JOIN clients ON clients.id = lines.client_id
LEFT JOIN (
  SELECT name, MAX(CASE WHEN use_as_expense AND NOT use_as_service THEN 1 ELSE 0 END) = 1 AS is_expense
  FROM invoice_item_categories
  GROUP BY name
) AS categories ON categories.name = lines.kind
