-- What is still due on open invoices, by client and currency, by how many days it is overdue. Drafts,
-- paid and closed invoices are left out; an invoice without a due date counts as not due yet.
SELECT
  client_id,
  MAX(client_name) AS client,
  currency,
  COUNT(*) AS invoices,
  SUM(due_amount) AS due,
  SUM(CASE WHEN due_date IS NULL OR due_date >= CURRENT_DATE THEN due_amount ELSE 0 END) AS not_due_yet,
  SUM(CASE WHEN DATE_DIFF('day', due_date, CURRENT_DATE) BETWEEN 1 AND 30 THEN due_amount ELSE 0 END) AS days_1_to_30,
  SUM(CASE WHEN DATE_DIFF('day', due_date, CURRENT_DATE) BETWEEN 31 AND 60 THEN due_amount ELSE 0 END) AS days_31_to_60,
  SUM(CASE WHEN DATE_DIFF('day', due_date, CURRENT_DATE) BETWEEN 61 AND 90 THEN due_amount ELSE 0 END) AS days_61_to_90,
  SUM(CASE WHEN DATE_DIFF('day', due_date, CURRENT_DATE) > 90 THEN due_amount ELSE 0 END) AS over_90_days
FROM invoices
WHERE state = 'open' AND due_amount > 0
GROUP BY client_id, currency
ORDER BY due DESC, client_id
