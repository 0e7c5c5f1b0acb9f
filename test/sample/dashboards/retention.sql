-- Retention: of the customers whose first order fell in a quarter, how many ordered again so many quarters later.
WITH active AS (
    SELECT DISTINCT customer_id, date_trunc('quarter', ordered_at AT TIME ZONE 'UTC') AS quarter
      FROM orders
     WHERE status <> 'cancelled'
), placed AS (
    SELECT customer_id, quarter, min(quarter) OVER (PARTITION BY customer_id) AS cohort
      FROM active
), counted AS (
    SELECT cohort,
           (extract(year FROM age(quarter, cohort)) * 4
            + extract(month FROM age(quarter, cohort)) / 3)::int AS quarters_later,
           count(*) AS customers
      FROM placed
     GROUP BY 1, 2
)
SELECT to_char(cohort, 'YYYY "Q"Q') AS cohort,
       quarters_later,
       customers,
       round(100.0 * customers / first_value(customers) OVER whole, 1) AS per_cent
  FROM counted
WINDOW whole AS (PARTITION BY cohort ORDER BY quarters_later)
 ORDER BY cohort, quarters_later;
