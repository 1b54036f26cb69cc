-- Question: what is still due on open invoices, client by client, and for how long is it overdue?
-- Assumptions: drafts, paid and closed invoices are left out; credit notes are in, as negative amounts; partial payments and
-- money that was sent back are in what is due; an invoice without a due date counts as not due yet.
-- Harvest cannot tell: what was due on a day of the past, unless the tables of changes reach so far.
SELECT
  -- Id of the client.
  invoices.client_id,
  -- Name of the client.
  MAX(invoices.client) AS client,
  -- Currency of all amounts.
  invoices.currency,
  -- Number of open invoices and credit notes.
  COUNT(*) AS invoices,
  -- What is due, in currency.
  SUM(invoices.due_amount) AS due,
  -- Credit notes among it, negative, in currency.
  SUM(CASE WHEN invoices.due_amount < 0 THEN invoices.due_amount ELSE 0 END) AS credit_notes,
  -- What is not overdue or has no due date, in currency.
  SUM(CASE WHEN invoices.due_date IS NULL OR invoices.due_date >= report.today THEN invoices.due_amount ELSE 0 END)
    AS not_due_yet,
  -- What is overdue for 1 to 30 days, in currency.
  SUM(CASE WHEN {{days(invoices.due_date; report.today)}} BETWEEN 1 AND 30 THEN invoices.due_amount ELSE 0 END) AS days_1_to_30,
  -- What is overdue for 31 to 60 days, in currency.
  SUM(CASE WHEN {{days(invoices.due_date; report.today)}} BETWEEN 31 AND 60 THEN invoices.due_amount ELSE 0 END) AS days_31_to_60,
  -- What is overdue for 61 to 90 days, in currency.
  SUM(CASE WHEN {{days(invoices.due_date; report.today)}} BETWEEN 61 AND 90 THEN invoices.due_amount ELSE 0 END) AS days_61_to_90,
  -- What is overdue for longer, in currency.
  SUM(CASE WHEN {{days(invoices.due_date; report.today)}} > 90 THEN invoices.due_amount ELSE 0 END) AS over_90_days
FROM fact_invoices AS invoices
CROSS JOIN report_day AS report
WHERE invoices.state = 'open' AND invoices.due_amount <> 0
GROUP BY invoices.client_id, invoices.currency
ORDER BY due DESC, client_id
