-- Revenue by month: paid and shipped orders, their number, and the average order.
SELECT to_char(ordered_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
       count(*) AS orders,
       sum(total) AS revenue,
       round(avg(total), 2) AS average_order
  FROM orders
 WHERE status IN ('paid', 'shipped')
 GROUP BY 1
 ORDER BY 1;
