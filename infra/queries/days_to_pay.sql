-- Question: how long do clients take to pay their invoices?
-- Assumptions: invoices of the last twelve months that are paid, from the day of issue to the last payment; credit notes and
-- invoices of nothing are left out; each invoice counts the same, whatever its amount.
-- Harvest cannot tell: when an invoice reached the client.
SELECT
  invoices.client_id,
  MAX(invoices.client) AS client,
  invoices.currency,
  COUNT(*) AS invoices,
  SUM(invoices.amount) AS amount,
  {{ratio(SUM({{days(invoices.issue_date; invoices.paid_date)}}); COUNT(*))}} AS days_to_pay,
  MAX({{days(invoices.issue_date; invoices.paid_date)}}) AS longest_days,
  {{ratio(SUM({{days(invoices.due_date; invoices.paid_date)}}); COUNT(invoices.due_date))}} AS days_after_due
FROM fact_invoices AS invoices
CROSS JOIN report_day AS report
WHERE invoices.state = 'paid' AND invoices.amount > 0 AND invoices.issue_date IS NOT NULL
  AND invoices.paid_date <= report.today
  AND invoices.issue_date > {{plus_months(report.today; -12)}}
GROUP BY invoices.client_id, invoices.currency
ORDER BY days_to_pay DESC, client_id
