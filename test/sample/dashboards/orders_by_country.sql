-- Orders by country: through the customers' dimension to the shared list of countries.
SELECT n.region, n.name AS country, count(*) AS orders, count(DISTINCT c.id) AS customers, sum(o.total) AS revenue
  FROM orders o
  JOIN customers c ON c.id = o.customer_id
  JOIN countries n ON n.code = c.country_code
 WHERE o.status IN ('paid', 'shipped')
 GROUP BY n.region, n.name
 ORDER BY revenue DESC, country
 LIMIT 15;
