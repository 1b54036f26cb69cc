-- One row for each invoice. A credit note is an invoice of a negative amount.
SELECT
  -- bigint: Id of the invoice.
  invoices.id AS invoice_id,
  -- varchar: Number of the invoice.
  invoices.number AS number,
  -- bigint: Id of the client.
  invoices.client_id AS client_id,
  -- varchar: Name of the client.
  invoices.client_name AS client,
  -- varchar: Currency of its amounts.
  COALESCE(invoices.currency, clients.currency) AS currency,
  -- varchar: draft, open, paid or closed (written off).
  invoices.state AS state,
  -- date: Day of issue; null if it has none.
  invoices.issue_date AS issue_date,
  -- date: Day by which it is due; null if it has none.
  invoices.due_date AS due_date,
  -- date: Day of the last payment of a paid invoice.
  invoices.paid_date AS paid_date,
  -- date: Day in UTC on which it was closed; null unless it was written off.
  CAST(invoices.closed_at AS DATE) AS closed_on,
  -- decimal(18,4): Amount with taxes, less discount, in currency.
  invoices.amount AS amount,
  -- decimal(18,4): Amount without taxes, in currency.
  CAST(invoices.amount - COALESCE(invoices.tax_amount, 0) - COALESCE(invoices.tax2_amount, 0) AS DECIMAL(18, 4)) AS net_amount,
  -- decimal(18,4): What is not paid yet, in currency; negative if it is to be sent back.
  invoices.due_amount AS due_amount,
  -- boolean: Whether it belongs to a retainer. Harvest does not tell the balance of one.
  invoices.retainer_id IS NOT NULL AS is_retainer
FROM invoices
LEFT JOIN clients ON clients.id = invoices.client_id
