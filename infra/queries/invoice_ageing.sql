-- Question: what is still due on open invoices, client by client, and for how long is it overdue?
-- Assumptions: drafts, paid and closed invoices are left out; credit notes are in, as negative amounts; partial payments and
-- money that was sent back are in what is due; an invoice without a due date counts as not due yet.
-- Harvest cannot tell: what was due on a day of the past, unless the tables of changes reach so far.
SELECT
  invoices.client_id,
  MAX(invoices.client) AS client,
  invoices.currency,
  COUNT(*) AS invoices,
  SUM(invoices.due_amount) AS due,
  SUM(CASE WHEN invoices.due_amount < 0 THEN invoices.due_amount ELSE 0 END) AS credit_notes,
  SUM(CASE WHEN invoices.due_date IS NULL OR invoices.due_date >= report.today THEN invoices.due_amount ELSE 0 END)
    AS not_due_yet,
  SUM(CASE WHEN {{days(invoices.due_date; report.today)}} BETWEEN 1 AND 30 THEN invoices.due_amount ELSE 0 END) AS days_1_to_30,
  SUM(CASE WHEN {{days(invoices.due_date; report.today)}} BETWEEN 31 AND 60 THEN invoices.due_amount ELSE 0 END) AS days_31_to_60,
  SUM(CASE WHEN {{days(invoices.due_date; report.today)}} BETWEEN 61 AND 90 THEN invoices.due_amount ELSE 0 END) AS days_61_to_90,
  SUM(CASE WHEN {{days(invoices.due_date; report.today)}} > 90 THEN invoices.due_amount ELSE 0 END) AS over_90_days
FROM fact_invoices AS invoices
CROSS JOIN report_day AS report
WHERE invoices.state = 'open' AND invoices.due_amount <> 0
GROUP BY invoices.client_id, invoices.currency
ORDER BY due DESC, client_id
