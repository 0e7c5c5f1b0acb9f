-- The rows of the sample, the same on every machine and every major: nothing is random, every "choice" is a
-- hash of the row's own number. If it were not so, expected outputs could not name a row.
--
--   psql -v scale=50 ...      volumes divided by 50 (default 1); the tenants stay
--   psql -v tenants=200 -v orders=1000000 -v events=50000 ...     each volume by itself
--
-- What tests may rely on:
--   * tenant n has the id md5('tenant-' || n) as uuid, the number n and, from 13 on, the slug 'tenant-' and four
--     digits. No slug is part of another one.
--   * Sizes fall with n to the power -1.25: the first has a third of everything, the sixtieth a 600th.
--   * Every note, e-mail address, sku, product name, ticket and event host has its own tenant's slug in it, in upper
--     or lower case, and nobody else's. One customer of each tenant has the note 'canary-<slug>'; it is nowhere else.
--   * No two customers have the same full name, so a name seen by another tenant is a leak.
--   * An order's total is the sum of its lines.
--
-- Run it as superuser, after schema.sql and before anything is protected.

\if :{?scale}
\else
\set scale 1
\endif
\if :{?tenants}
\else
\set tenants 60
\endif
\if :{?orders}
\else
SELECT 200000 / :scale AS orders \gset
\endif
\if :{?events}
\else
SELECT 300000 / :scale AS events \gset
\endif

BEGIN;
SET LOCAL search_path = public;
-- Every foreign key below is copied from the row it refers to; checking two million of them again takes longer than
-- all the rest. Triggers are off until COMMIT.
SET LOCAL session_replication_role = replica;

-- pick(n, salt, modulus): the choice of row n, 0 to modulus - 1. Another salt is another, independent choice.
CREATE FUNCTION pg_temp.pick(n bigint, salt bigint, modulus bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (hashint8extended(n, salt) & 9007199254740991) % modulus;

-- Reference data.

INSERT INTO countries (code, name, region) VALUES
    ('AT', 'Austria', 'EU'),        ('BE', 'Belgium', 'EU'),      ('CZ', 'Czechia', 'EU'),
    ('DE', 'Germany', 'EU'),        ('DK', 'Denmark', 'EU'),      ('ES', 'Spain', 'EU'),
    ('FI', 'Finland', 'EU'),        ('FR', 'France', 'EU'),       ('GR', 'Greece', 'EU'),
    ('IE', 'Ireland', 'EU'),        ('IT', 'Italy', 'EU'),        ('NL', 'Netherlands', 'EU'),
    ('PL', 'Poland', 'EU'),         ('PT', 'Portugal', 'EU'),     ('RO', 'Romania', 'EU'),
    ('SE', 'Sweden', 'EU'),         ('AR', 'Argentina', 'AMER'),  ('BR', 'Brazil', 'AMER'),
    ('CA', 'Canada', 'AMER'),       ('CL', 'Chile', 'AMER'),      ('CO', 'Colombia', 'AMER'),
    ('MX', 'Mexico', 'AMER'),       ('US', 'United States', 'AMER'), ('UY', 'Uruguay', 'AMER'),
    ('AU', 'Australia', 'APAC'),    ('ID', 'Indonesia', 'APAC'),  ('IN', 'India', 'APAC'),
    ('JP', 'Japan', 'APAC'),        ('KR', 'South Korea', 'APAC'), ('NZ', 'New Zealand', 'APAC'),
    ('SG', 'Singapore', 'APAC'),    ('VN', 'Vietnam', 'APAC'),    ('CH', 'Switzerland', 'EMEA'),
    ('EG', 'Egypt', 'EMEA'),        ('GB', 'United Kingdom', 'EMEA'), ('KE', 'Kenya', 'EMEA'),
    ('MA', 'Morocco', 'EMEA'),      ('NG', 'Nigeria', 'EMEA'),    ('NO', 'Norway', 'EMEA'),
    ('ZA', 'South Africa', 'EMEA');

INSERT INTO plans (code, name, monthly_price) VALUES
    ('free', 'Free', 0), ('starter', 'Starter', 9), ('team', 'Team', 29),
    ('business', 'Business', 79), ('enterprise', 'Enterprise', 199);

-- The word lists that rows are made of, numbered from 0.

CREATE TEMP TABLE word ON COMMIT DROP AS
SELECT list, ordinality - 1 AS pos, word
  FROM (VALUES
    ('company', 'Acme Corp,Globex,Initech,Umbrella Health,Hooli,Stark Industries,Wayne Logistics,Tyrell Robotics,'
                'Soylent Foods,Wonka Sweets,Cyberdyne,Aperture Labs'),
    ('slug',    'acme,globex,initech,umbrella,hooli,stark,wayne,tyrell,soylent,wonka,cyberdyne,aperture'),
    ('first',   'Ada,Alan,Amina,Anders,Anna,Beatriz,Bruno,Carmen,Chen,Clara,Daniel,Diego,Elena,Emil,Esther,Fatima,'
                'Felix,Grace,Hana,Hugo,Ines,Ivan,Jana,Jonas,Kenji,Laila,Lars,Leo,Lucia,Malik,Marie,Mateo,'
                'Mei,Mila,Nadia,Nils,Noor,Olga,Omar,Paula,Priya,Ravi,Rosa,Samuel,Sofia,Tomas,Vera,Yusuf'),
    ('last',    'Adams,Ahmed,Almeida,Andersen,Bauer,Becker,Bianchi,Brown,Castro,Costa,Cruz,Dahl,Diaz,Dubois,Eriksen,'
                'Evans,Fischer,Fontana,Garcia,Gomez,Haas,Hansen,Hoffman,Ibrahim,Ito,Jansen,Jensen,Kaya,Keller,Khan,'
                'Kim,Kovacs,Larsen,Lee,Lopez,Marino,Martin,Mendes,Meyer,Moreau,Nakamura,Nguyen,Nowak,Okafor,Olsen,'
                'Patel,Perez,Petrov,Quinn,Ramos,Ricci,Romero,Rossi,Santos,Sato,Schmidt,Silva,Singh,Suzuki,Tanaka,'
                'Torres,Weber,Wong,Zhang'),
    ('product', 'Anvil,Backpack,Bottle,Camera,Chair,Clock,Desk,Drill,Fan,Glove,Hammer,Headset,Jacket,Kettle,Keyboard,'
                'Lamp,Ladder,Mirror,Monitor,Mug,Notebook,Oven,Pen,Phone,Pump,Router,Sofa,Speaker,Tent,Toaster,'
                'Tripod,Watch'),
    ('category', 'home,office,outdoor,tools'),
    ('note',    'leave at the back door,call before delivery,gift wrap,invoice by e-mail,fragile,second attempt'),
    ('habit',   'prefers e-mail,met at the fair,asks for discounts,long-standing customer,pays by invoice'),
    ('step',    'page_view,view_product,add_to_cart,checkout,purchase'),
    ('ticket',  'cannot log in,invoice is wrong,export is slow,please add a seat,chart shows no data,API returns 429')
  ) lists (list, words),
  unnest(string_to_array(words, ',')) WITH ORDINALITY AS word;
CREATE UNIQUE INDEX ON word (list, pos);
ANALYZE word;

-- One row per tenant: how much of everything it gets. Only square roots, which IEEE 754 rounds the same everywhere.

CREATE TEMP TABLE size ON COMMIT DROP AS
WITH weighed AS (
    SELECT n, 1 / (n * sqrt(sqrt(n::float8))) AS weight FROM generate_series(1, :tenants) n
), shared_out AS (
    SELECT n, floor(:orders * weight / sum(weight) OVER ())::bigint AS orders,
              floor(:events * weight / sum(weight) OVER ())::bigint AS events
      FROM weighed
), rounded AS (     -- the first tenant takes what rounding left
    SELECT n, orders + CASE n WHEN 1 THEN :orders - sum(orders) OVER () ELSE 0 END AS orders, events
      FROM shared_out
)
SELECT n, md5('tenant-' || n)::uuid AS tenant_id, orders::bigint, events,
       coalesce(s.word, 'tenant-' || lpad(n::text, 4, '0')) AS slug,
       coalesce(c.word, 'Tenant ' || lpad(n::text, 4, '0')) AS name,
       greatest(4, orders / 10)::bigint AS customers,
       (3 + orders / 500)::bigint AS users,
       least(120, 12 + orders / 50)::bigint AS products,
       (3 + orders / 200)::bigint AS tickets
  FROM rounded
  LEFT JOIN word s ON s.list = 'slug' AND s.pos = n - 1
  LEFT JOIN word c ON c.list = 'company' AND c.pos = n - 1;
ANALYZE size;

CREATE TEMP TABLE country ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY code) - 1 AS pos, count(*) OVER () AS countries, code, region FROM countries;
ANALYZE country;

INSERT INTO tenants (id, name, slug, number, plan_code, country_code, created_at)
SELECT tenant_id, name, slug, n,
       CASE WHEN n <= 6 THEN 'enterprise' WHEN n <= 15 THEN 'business' WHEN n <= 35 THEN 'team' ELSE 'starter' END,
       code, timestamptz '2023-01-02 09:00+00' + n * interval '52 hours'
  FROM size JOIN country ON pos = pg_temp.pick(n, 1, countries)
 ORDER BY n;

INSERT INTO users (tenant_id, id, email, full_name, role, region, last_login_at)
SELECT tenant_id, row_number() OVER (ORDER BY n, i), 'user' || i || '@' || slug || '.example',
       f.word || ' ' || l.word, CASE i WHEN 1 THEN 'admin' WHEN 2 THEN 'analyst' ELSE 'viewer' END, country.region,
       timestamptz '2025-06-30 18:00+00' - pg_temp.pick(n * 1000 + i, 2, 30 * 86400) * interval '1 second'
  FROM size
 CROSS JOIN generate_series(1, users) i
  JOIN word f ON f.list = 'first' AND f.pos = pg_temp.pick(n * 1000 + i, 3, 48)
  JOIN word l ON l.list = 'last' AND l.pos = pg_temp.pick(n * 1000 + i, 4, 64)
  JOIN country ON country.pos = pg_temp.pick(n * 1000 + i, 5, countries);

-- Customers come over two years, and get their ids in that order, so that the tenants' ids interleave. A third
-- lives in the tenant's own country. 7919 is coprime to 48 * 26 * 64, which makes the names a permutation.

CREATE TEMP TABLE customer ON COMMIT DROP AS
SELECT n, i, tenant_id, slug, signed_up_at, row_number() OVER (ORDER BY signed_up_at, n, i) AS id
  FROM size
 CROSS JOIN generate_series(1, customers) i
 CROSS JOIN LATERAL (SELECT timestamptz '2023-07-01 08:00+00' + CASE i WHEN 1 THEN 0 ELSE
                            pg_temp.pick(n * 1000000 + i, 6, 690 * 86400) END * interval '1 second') t (signed_up_at);
CREATE UNIQUE INDEX ON customer (n, i);
ANALYZE customer;

INSERT INTO customers (tenant_id, id, full_name, email, country_code, region, signed_up_at, notes)
SELECT c.tenant_id, c.id,
       f.word || ' ' || chr(65 + (name / 48 % 26)::int) || '. ' || l.word
              || CASE WHEN c.id >= 79872 THEN ' ' || c.id / 79872 + 1 ELSE '' END,
       'c' || c.i || '@' || c.slug || '.example', country.code, country.region, c.signed_up_at,
       CASE WHEN c.i = 1 THEN 'canary-' || c.slug WHEN c.i % 3 = 0 THEN c.slug || ': ' || h.word END
  FROM customer c
 CROSS JOIN LATERAL (SELECT c.id * 7919 % 79872) AS permuted (name)
  JOIN word f ON f.list = 'first' AND f.pos = name % 48
  JOIN word l ON l.list = 'last' AND l.pos = name / 1248
  JOIN word h ON h.list = 'habit' AND h.pos = pg_temp.pick(c.id, 7, 5)
  JOIN country ON country.pos = pg_temp.pick(CASE pg_temp.pick(c.id, 8, 3) WHEN 0 THEN c.n ELSE c.id + 1000 END,
                                             1, countries)
 ORDER BY c.id;

INSERT INTO customer_names SELECT id, full_name FROM customers;

-- The first products of a tenant sell best, and the first customers buy most: squares of a uniform choice.

CREATE TEMP TABLE product ON COMMIT DROP AS
SELECT n, i, tenant_id, slug, row_number() OVER (ORDER BY n, i) AS id,
       (499 + pg_temp.pick(n * 1000 + i, 9, 19500))::numeric(10,2) / 100 AS price
  FROM size CROSS JOIN generate_series(1, products) i;
CREATE UNIQUE INDEX ON product (n, i);
ANALYZE product;

INSERT INTO products (tenant_id, id, sku, name, category, price)
SELECT p.tenant_id, p.id, upper(p.slug) || '-' || lpad(p.i::text, 3, '0'),
       initcap(p.slug) || ' ' || w.word || ' ' || p.i, c.word, p.price
  FROM product p
  JOIN word w ON w.list = 'product' AND w.pos = pg_temp.pick(p.id, 10, 32)
  JOIN word c ON c.list = 'category' AND c.pos = pg_temp.pick(p.id, 11, 4)
 ORDER BY p.id;

-- Orders follow the sign-up, thinning out until the customer leaves (after two months to two and a half years) or the
-- data end, with June 2025.

CREATE TEMP TABLE purchase ON COMMIT DROP AS
SELECT n, c.tenant_id, c.slug, c.id AS customer_id, products, ordered_at,
       row_number() OVER (ORDER BY ordered_at, n, o) AS id
  FROM size s
 CROSS JOIN generate_series(1, orders) o
 CROSS JOIN LATERAL (SELECT pg_temp.pick(n * 10000000 + o, 12, 100000),
                            pg_temp.pick(n * 10000000 + o, 13, 100000)) r (u, v)
  JOIN customer c USING (n)
 CROSS JOIN LATERAL (SELECT least(extract(epoch FROM timestamptz '2025-07-01 00:00+00' - signed_up_at)::bigint,
                                  (60 + pg_temp.pick(c.id, 25, 900)) * 86400)) t (seconds)
 CROSS JOIN LATERAL (SELECT signed_up_at + seconds * v / 100000 * v / 100000 * interval '1 second') w (ordered_at)
 WHERE c.i = 1 + customers * u / 100000 * u / 100000;
ANALYZE purchase;

CREATE TEMP TABLE item ON COMMIT DROP AS
SELECT o.tenant_id, o.id AS order_id, line_no, p.id AS product_id,
       1 + pg_temp.pick(o.id * 8 + line_no, 15, 4) AS quantity, p.price
  FROM purchase o
 CROSS JOIN generate_series(1, (1 + pg_temp.pick(o.id, 14, 5))::int) line_no
 CROSS JOIN LATERAL (SELECT pg_temp.pick(o.id * 8 + line_no, 16, 1000)) r (u)
  JOIN product p ON p.n = o.n AND p.i = 1 + o.products * u * u / 1000000;

INSERT INTO orders (tenant_id, id, customer_id, status, region, ordered_at, total, notes)
SELECT o.tenant_id, o.id, o.customer_id,
       CASE WHEN s < 70 THEN 'paid' WHEN s < 88 THEN 'shipped' WHEN s < 93 THEN 'pending'
            WHEN s < 97 THEN 'refunded' ELSE 'cancelled' END,
       c.region, o.ordered_at, i.total, CASE WHEN pg_temp.pick(o.id, 18, 4) = 0 THEN o.slug || ': ' || w.word END
  FROM purchase o
 CROSS JOIN LATERAL (SELECT pg_temp.pick(o.id, 17, 100)) r (s)
  JOIN (SELECT order_id, sum(quantity * price) AS total FROM item GROUP BY order_id) i ON i.order_id = o.id
  JOIN customers c ON c.id = o.customer_id
  JOIN word w ON w.list = 'note' AND w.pos = pg_temp.pick(o.id, 19, 6)
 ORDER BY o.id;

INSERT INTO order_items (tenant_id, order_id, line_no, product_id, quantity, unit_price)
SELECT tenant_id, order_id, line_no, product_id, quantity, price FROM item ORDER BY order_id, line_no;

-- Every second customer subscribes soon after the sign-up; a third of those leaves within a year.

INSERT INTO subscriptions (tenant_id, id, customer_id, plan_code, seats, started_on, ended_on)
SELECT tenant_id, row_number() OVER (ORDER BY id), id,
       CASE WHEN p < 30 THEN 'free' WHEN p < 60 THEN 'starter' WHEN p < 82 THEN 'team'
            WHEN p < 95 THEN 'business' ELSE 'enterprise' END,
       1 + pg_temp.pick(id, 21, 12), started_on, CASE WHEN left_on < date '2025-07-01' THEN left_on END
  FROM customer
 CROSS JOIN LATERAL (SELECT pg_temp.pick(id, 20, 100),
                            (signed_up_at AT TIME ZONE 'UTC')::date + pg_temp.pick(id, 22, 21)::int) r (p, started_on)
 CROSS JOIN LATERAL (SELECT CASE WHEN pg_temp.pick(id, 23, 3) = 0
                                 THEN started_on + 14 + pg_temp.pick(id, 24, 350)::int END) l (left_on)
 WHERE i % 2 = 1;

-- A visit is a customer's walk down the funnel, 2.2 steps on average; how many go on depends on the tenant.
-- One visit in two hundred comes from a clock that is ahead, and lands in the default partition.

INSERT INTO events (tenant_id, id, customer_id, session, name, occurred_at, properties)
SELECT tenant_id, row_number() OVER (ORDER BY occurred_at, n, visit, step), customer_id, session, name, occurred_at,
       jsonb_build_object('host', slug || '.example', 'device',
                          (ARRAY['desktop', 'mobile', 'tablet'])[1 + pg_temp.pick(session, 30, 3)], 'step', step)
  FROM (SELECT s.n, s.tenant_id, s.slug, c.id AS customer_id, visit, s.n * 1000000 + visit AS session, step,
               w.word AS name,
               timestamptz '2024-01-01 00:00+00' + interval '45 seconds' * step
                 + CASE WHEN visit % 200 = 7 THEN 547 * 86400 + visit % 86400
                        ELSE pg_temp.pick(s.n * 1000000 + visit, 31, 547 * 86400 - 300) END
                   * interval '1 second' AS occurred_at
          FROM size s
         CROSS JOIN generate_series(1, events * 10 / 22) visit
         CROSS JOIN LATERAL (SELECT pg_temp.pick(s.n * 1000000 + visit, 32, 100) + 5 - s.n % 11) r (luck)
          JOIN customer c ON c.n = s.n AND c.i = 1 + pg_temp.pick(s.n * 1000000 + visit, 33, customers)
         CROSS JOIN generate_series(1, CASE WHEN luck < 42 THEN 1 WHEN luck < 72 THEN 2 WHEN luck < 84 THEN 3
                                            WHEN luck < 90 THEN 4 ELSE 5 END) step
          JOIN word w ON w.list = 'step' AND w.pos = step - 1) walked;

-- The two tables with other tenant types.

INSERT INTO support_tickets (tenant_id, id, subject, status, opened_at)
SELECT slug, row_number() OVER (ORDER BY n, i), slug || ': ' || word,
       CASE WHEN pg_temp.pick(n * 1000 + i, 41, 4) = 0 THEN 'open' ELSE 'closed' END,
       timestamptz '2025-01-01 00:00+00' + pg_temp.pick(n * 1000 + i, 42, 180 * 86400) * interval '1 second'
  FROM (SELECT n, slug, generate_series(1, tickets) AS i FROM size) t
  JOIN word w ON w.list = 'ticket' AND w.pos = pg_temp.pick(n * 1000 + t.i, 43, 6);

INSERT INTO usage_daily (tenant_id, day, api_calls, stored_mb)
SELECT n, date '2025-06-30' - ago, 20 + orders / 4 + pg_temp.pick(n * 1000 + ago, 44, 50 + orders / 20),
       100 + orders / 10 + (180 - ago) * (1 + orders / 2000)
  FROM size CROSS JOIN generate_series(0, 180) ago
 ORDER BY n, ago DESC;

-- The sequences go on after the rows above.

SELECT setval(pg_get_serial_sequence(r, 'id'), n) AS position
  FROM (SELECT 'users', count(*) FROM users             UNION ALL SELECT 'customers', count(*) FROM customers
        UNION ALL SELECT 'products', count(*) FROM products           UNION ALL SELECT 'orders', count(*) FROM orders
        UNION ALL SELECT 'subscriptions', count(*) FROM subscriptions UNION ALL SELECT 'events', count(*) FROM events
        UNION ALL SELECT 'support_tickets', count(*) FROM support_tickets) filled (r, n)
\g (format=unaligned tuples_only=on) /dev/null

REFRESH MATERIALIZED VIEW monthly_revenue_mv;
DROP FUNCTION pg_temp.pick(bigint, bigint, bigint);
COMMIT;

ANALYZE tenants, users, customers, orders, order_items, subscriptions, products, countries, plans,
        events, support_tickets, usage_daily, customer_names, monthly_revenue_mv;

\unset scale
\unset tenants
\unset orders
\unset events
