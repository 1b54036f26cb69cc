-- One row: the day that answers call today, the present day in UTC. Whoever replaces this view by another day gets the
-- answers of that day, from what the tables have now.
SELECT
  -- date: Day of the answers.
  CURRENT_DATE AS today
