-- Monthly recurring revenue: what the subscriptions of the first day of each month are worth by the shared price list.
SELECT to_char(month, 'YYYY-MM') AS month,
       count(*) AS subscriptions,
       sum(s.seats) AS seats,
       sum(s.seats * p.monthly_price) AS mrr
  FROM generate_series(timestamp '2024-01-01', timestamp '2025-06-01', interval '1 month') AS month
  JOIN subscriptions s ON s.started_on <= month::date AND (s.ended_on IS NULL OR s.ended_on > month::date)
  JOIN plans p ON p.code = s.plan_code
 GROUP BY month
 ORDER BY month;
