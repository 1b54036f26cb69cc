-- Question: what was invoiced and what was paid in each of the last twelve months, currency by currency?
-- Assumptions: invoices count in the month of their day of issue, with credit notes, without drafts; those without a day are
-- in a row without a month. Payments count on the day of the payment, less money that was sent back. What was still due when
-- an invoice was closed is written off in that month.
-- Harvest cannot tell: revenue by accounting rules, exchange rates.
SELECT
  -- First day of the month; null for invoices without a day.
  flows.month_start,
  -- Currency of all amounts.
  flows.currency,
  -- Invoices and credit notes with taxes, in currency.
  SUM(flows.invoiced) AS invoiced,
  -- The same without taxes, in currency.
  SUM(flows.invoiced_net) AS invoiced_without_taxes,
  -- What was due when invoices were closed, in currency.
  SUM(flows.written_off) AS written_off,
  -- Payments less money that was sent back, in currency.
  SUM(flows.paid) AS paid
FROM (
  SELECT issue_date AS day, CAST(DATE_TRUNC('month', issue_date) AS DATE) AS month_start, currency,
    amount AS invoiced, net_amount AS invoiced_net, CAST(0 AS DECIMAL(18, 4)) AS written_off, CAST(0 AS DECIMAL(18, 4)) AS paid
  FROM fact_invoices
  WHERE state <> 'draft'
  UNION ALL
  SELECT closed_on AS day, CAST(DATE_TRUNC('month', closed_on) AS DATE) AS month_start, currency,
    CAST(0 AS DECIMAL(18, 4)) AS invoiced, CAST(0 AS DECIMAL(18, 4)) AS invoiced_net,
    due_amount AS written_off, CAST(0 AS DECIMAL(18, 4)) AS paid
  FROM fact_invoices
  WHERE state = 'closed' AND due_amount <> 0
  UNION ALL
  SELECT day, month_start, currency,
    CAST(0 AS DECIMAL(18, 4)) AS invoiced, CAST(0 AS DECIMAL(18, 4)) AS invoiced_net,
    CAST(0 AS DECIMAL(18, 4)) AS written_off, amount AS paid
  FROM fact_payments
) AS flows
CROSS JOIN report_day AS report
WHERE flows.day IS NULL
  OR (flows.day <= report.today
    AND flows.day >= {{plus_months(CAST(DATE_TRUNC('month', report.today) AS DATE); -11)}})
GROUP BY flows.month_start, flows.currency
ORDER BY month_start DESC, currency
