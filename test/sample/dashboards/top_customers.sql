-- Top customers: the ten who paid most, with names from the customers table.
SELECT c.id, c.full_name, count(*) AS orders, sum(o.total) AS revenue
  FROM orders o
  JOIN customers c ON c.id = o.customer_id
 WHERE o.status IN ('paid', 'shipped')
 GROUP BY c.id, c.full_name
 ORDER BY revenue DESC, c.id
 LIMIT 10;
