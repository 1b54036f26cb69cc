-- Question: how long do clients take to pay their invoices?
-- Assumptions: invoices of the last twelve months that are paid, from the day of issue to the last payment; credit notes and
-- invoices of nothing are left out; each invoice counts the same, whatever its amount.
-- Harvest cannot tell: when an invoice reached the client.
SELECT
  -- Id of the client.
  invoices.client_id,
  -- Name of the client.
  MAX(invoices.client) AS client,
  -- Currency of all amounts.
  invoices.currency,
  -- Number of paid invoices.
  COUNT(*) AS invoices,
  -- Their amount with taxes, in currency.
  SUM(invoices.amount) AS amount,
  -- Days from issue to the last payment, on average.
  {{ratio(SUM({{days(invoices.issue_date; invoices.paid_date)}}); COUNT(*))}} AS days_to_pay,
  -- Days from issue to the last payment of the slowest invoice.
  MAX({{days(invoices.issue_date; invoices.paid_date)}}) AS longest_days,
  -- Days from the due date to the last payment, on average; negative if paid before.
  {{ratio(SUM({{days(invoices.due_date; invoices.paid_date)}}); COUNT(invoices.due_date))}} AS days_after_due
FROM fact_invoices AS invoices
CROSS JOIN report_day AS report
WHERE invoices.state = 'paid' AND invoices.amount > 0 AND invoices.issue_date IS NOT NULL
  AND invoices.paid_date <= report.today
  AND invoices.issue_date > {{plus_months(report.today; -12)}}
GROUP BY invoices.client_id, invoices.currency
ORDER BY days_to_pay DESC, client_id
