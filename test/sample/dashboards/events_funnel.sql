-- Events funnel: how many visits of the last twelve months came as far as each step.
WITH steps (position, name) AS (
    VALUES (1, 'page_view'), (2, 'view_product'), (3, 'add_to_cart'), (4, 'checkout'), (5, 'purchase')
), reached AS (
    SELECT name, count(DISTINCT session) AS visits
      FROM events
     WHERE occurred_at >= timestamptz '2024-07-01 00:00+00' AND occurred_at < timestamptz '2025-07-01 00:00+00'
     GROUP BY name
)
SELECT s.position AS step,
       s.name,
       r.visits,
       round(100.0 * r.visits / first_value(r.visits) OVER (ORDER BY s.position), 1) AS per_cent
  FROM steps s
  JOIN reached r USING (name)
 ORDER BY step;
