-- One row: the day that answers call today, the present day in UTC. With another day in its place, answers are
-- those of that day, from what the tables have now.
SELECT
  -- date: Day of the answers.
  CURRENT_DATE AS today
