-- One row for each payment of an invoice. Negative ones are money that was sent back.
SELECT
  -- bigint: Id of the payment.
  payments.id AS payment_id,
  -- bigint: Id of the invoice.
  payments.invoice_id AS invoice_id,
  -- varchar: Number of the invoice.
  invoices.number AS number,
  -- bigint: Id of the client.
  invoices.client_id AS client_id,
  -- varchar: Name of the client.
  invoices.client_name AS client,
  -- date: Day of the payment.
  payments.paid_date AS day,
  -- date: First day of its month.
  CAST(DATE_TRUNC('month', payments.paid_date) AS DATE) AS month_start,
  -- varchar: Currency of the amount, the invoice's.
  COALESCE(invoices.currency, clients.currency) AS currency,
  -- decimal(18,4): Amount, in currency; negative if it was sent back.
  payments.amount AS amount
FROM invoice_payments AS payments
LEFT JOIN invoices ON invoices.id = payments.invoice_id
LEFT JOIN clients ON clients.id = invoices.client_id
