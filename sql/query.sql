-- query(): one call for agents and dashboards. It authenticates, runs one statement as the caller under the untrusted
-- profile, and returns its rows as JSON.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE ROLE regress_tg_other;
CREATE SCHEMA saas;
GRANT USAGE ON SCHEMA saas TO regress_tg_app, regress_tg_other;
CREATE TYPE saas.status AS ENUM ('paid', 'open');
CREATE TABLE saas.orders (tenant_id uuid NOT NULL, id int, total numeric(10,2), status saas.status, on_day date,
  tags text[], data jsonb, PRIMARY KEY (tenant_id, id));
INSERT INTO saas.orders SELECT t, n, n * 1.5, CASE n % 2 WHEN 0 THEN 'open' ELSE 'paid' END::saas.status, date '2024-01-01' + n,
         ARRAY['a', 'b' || n], jsonb_build_object('n', n)
    FROM unnest(ARRAY[:'acme', :'globex']::uuid[]) AS t, generate_series(1, 10) AS n;
CREATE TABLE saas.forgotten (v text);
CREATE TABLE saas.of_others (tenant_id uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.orders, saas.forgotten TO regress_tg_app;
-- What a call says, undone at once.
CREATE FUNCTION refusal(jwt text, sql text, params jsonb DEFAULT '[]', max_rows int DEFAULT 10) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM tenant_guard.query(jwt, sql, params, max_rows);
  RAISE EXCEPTION USING ERRCODE = 'UA000';
EXCEPTION
  WHEN SQLSTATE 'UA000' THEN RETURN 'allowed';
  WHEN OTHERS THEN RETURN concat(SQLSTATE, ' ', SQLERRM);
END $$;

-- Rows and parameters. Outside a transaction block nothing is left behind, and nothing is said about it.
SET client_min_messages = notice;
SET ROLE regress_tg_app;
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT id, total, status, on_day, tags, data FROM saas.orders WHERE id < 3 ORDER BY id');
SELECT tenant_guard.tenant_id(), current_setting('tenant_guard.profile');
SELECT tenant_guard.query(:'b_hs', 'SELECT tenant_id FROM saas.orders LIMIT 1');
SELECT * FROM tenant_guard.query(:'a_hs', $$SELECT id FROM saas.orders
  WHERE tenant_id = $1 AND id = $2 AND total > $3 AND status = $4 AND on_day >= $5 AND $6 = ANY (tags) AND data @> $7$$,
  jsonb_build_array(:'acme', 3, 1.25, 'paid', '2024-01-02', 'b3', jsonb_build_object('n', 3)));
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT $1 AS text, $2::int + 1 AS number, $3::boolean AS yes, $4 IS NULL AS no, $5::jsonb -> 0 AS first, $6::text[] AS list',
  '["a", 1, true, null, [7, 8], "{x,y}"]');
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT id FROM saas.orders ORDER BY id LIMIT $1', '[2]');
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT id FROM saas.orders WHERE status = $1 ORDER BY id', '["paid"]', max_rows => 2);
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT 1 AS one WHERE false');
SELECT * FROM tenant_guard.query(:'a_hs', 'VALUES (1), (2)');
SELECT * FROM tenant_guard.query(:'a_hs', 'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t;');
SELECT count(*) FROM tenant_guard.query(:'a_hs', 'SELECT generate_series(1, 5000)');
SELECT count(*) FROM tenant_guard.query(:'a_hs', 'SELECT generate_series(1, 5000)', max_rows => 4000);

-- What it refuses, with the SQLSTATE of what failed.
SELECT sql, refusal(:'a_hs', sql) FROM (VALUES
  ('SELECT 1'), ('SELECT 1; SELECT 2'), ('SELECT 1;;'), (''), (';'), ('-- nothing'), (NULL),
  ('BEGIN'), ('COMMIT'), ('SET LOCAL work_mem = 100'), ('SHOW work_mem'), ('EXPLAIN SELECT 1'), ('CREATE TABLE saas.t (v int)'),
  ('SELECT 1 AS v INTO saas.t'), ('CREATE TEMPORARY TABLE t AS SELECT 1 AS v'), ('DO ''BEGIN END'''), ('CALL saas.p()'),
  ('COPY saas.orders TO STDOUT'), ('DECLARE c CURSOR FOR SELECT 1'), ('PREPARE p AS SELECT 1'), ('DEALLOCATE ALL'), ('LISTEN x'),
  ('DELETE FROM saas.orders'), ('UPDATE saas.orders SET id = id RETURNING id'), ('SELECT id FROM saas.orders FOR UPDATE'),
  ('WITH d AS (DELETE FROM saas.orders RETURNING id) SELECT id FROM d'),
  ('SELECT pg_sleep(0)'), ('SELECT * FROM saas.forgotten'), ('SELECT * FROM saas.of_others'), ('SELECT relname FROM pg_class'),
  ('SELECT 1/0'), ('SELEC 1'), ('SELECT nope FROM saas.orders'), ('SELECT 1, 2'), ('SELECT id, total AS id FROM saas.orders'),
  ('SELECT 1 AS a, 2 AS b'), ('SELECT set_config(''tenant_guard.profile'', ''application'', true)')
) AS v(sql);
SELECT sql, params, refusal(:'a_hs', sql, params) FROM (VALUES
  ('SELECT $1', '["a"]'::jsonb), ('SELECT $1', '[]'), ('SELECT $1', '["a", "b"]'), ('SELECT $2', '["a", "b"]'), ('SELECT 1', '["a"]'),
  ('SELECT $1', '{"a": 1}'), ('SELECT $1', '"a"'), ('SELECT $1', NULL), ('SELECT $1::int', '["a"]'), ('SELECT $1::int', '[1.5]'),
  ('SELECT $1::int + $1::int', '[1]'), ('SELECT $1 = 1, $1 = ''a''::text', '["a"]'), ('SELECT $1::regclass', '["16385"]')
) AS v(sql, params);
SELECT refusal(:'a_hs', 'SELECT 1', '[]', 0), refusal(:'a_hs', 'SELECT 1', '[]', -1), refusal(:'a_hs', 'SELECT 1', '[]', NULL);
-- Tokens.
SELECT refusal(NULL, 'SELECT 1'), refusal('', 'SELECT 1'), refusal(:'expired', 'SELECT 1'), refusal(:'alg_none', 'SELECT 1');
-- A statement that reads and asks: neither the outer nor the inner one.
SELECT o.id, q FROM saas.orders o, tenant_guard.query(:'a_hs', 'SELECT 1') AS q;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT o.id, q FROM saas.orders o, tenant_guard.query(:'a_hs', 'SELECT 1') AS q;
ROLLBACK;

-- In a transaction block: the tenant and the profile stay until its end; another tenant's token is refused.
BEGIN;
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT count(*) FROM saas.orders');
SELECT tenant_guard.tenant_id() = :'acme' AS is_acme;
SHOW tenant_guard.profile;
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT count(*) AS again FROM saas.orders');
SELECT count(*) FROM saas.orders;
SAVEPOINT s;
DELETE FROM saas.orders;
ROLLBACK TO s;
SELECT * FROM tenant_guard.query(:'b_hs', 'SELECT 1');
ROLLBACK;
SHOW tenant_guard.profile;
-- In a savepoint, with it.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SAVEPOINT s;
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT 1 AS one');
ROLLBACK TO s;
SHOW tenant_guard.profile;
DELETE FROM saas.orders;
ROLLBACK;

-- The error is of the statement that failed, with its text and no token.
\set SHOW_CONTEXT always
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT nope FROM saas.orders');
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT 1/(id-id) AS x FROM saas.orders');
\set SHOW_CONTEXT never
RESET ROLE;

-- A role that guard_role() named, and one that nobody did: both have authenticated.
SELECT tenant_guard.guard_role('regress_tg_app');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT count(*) FROM saas.orders');
ROLLBACK;
SELECT tenant_guard.guard_role('regress_tg_app', 'off');
GRANT SELECT ON saas.orders, saas.forgotten TO regress_tg_other;
SET ROLE regress_tg_other;
SELECT * FROM tenant_guard.query(:'b_hs', 'SELECT count(*) FROM saas.orders');
SELECT * FROM tenant_guard.query(:'b_hs', 'SELECT count(*) FROM saas.forgotten');
RESET ROLE;
-- As superuser, row security would not apply.
SELECT refusal(:'a_hs', 'SELECT count(*) FROM saas.orders');
-- Without the guard there is no profile.
SET tenant_guard.enforce = 'off';
SET ROLE regress_tg_other;
SELECT * FROM tenant_guard.query(:'a_hs', 'SELECT 1 AS one');
RESET ROLE;
RESET tenant_guard.enforce;

-- The limits of the profile hold, whatever max_rows says; writing where it is allowed.
BEGIN;
SET LOCAL tenant_guard.untrusted_max_rows = 5;
SET LOCAL ROLE regress_tg_app;
SELECT count(*) FROM tenant_guard.query(:'a_hs', 'SELECT id FROM saas.orders', max_rows => 5);
SELECT count(*) FROM tenant_guard.query(:'a_hs', 'SELECT id FROM saas.orders', max_rows => 6);
ROLLBACK;
BEGIN;
SET LOCAL tenant_guard.untrusted_statement_timeout = 100;
SET LOCAL ROLE regress_tg_app;
SELECT * FROM tenant_guard.query(:'a_hs', 'WITH RECURSIVE bomb AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM bomb) SELECT count(*) FROM bomb');
ROLLBACK;
BEGIN;
SET LOCAL tenant_guard.untrusted_writes = on;
SET LOCAL ROLE regress_tg_app;
SELECT * FROM tenant_guard.query(:'a_hs', 'UPDATE saas.orders SET total = 0 WHERE id <= 3 RETURNING id', max_rows => 2);
SELECT count(*) FROM saas.orders WHERE total = 0;
SELECT * FROM tenant_guard.query(:'a_hs', 'DELETE FROM saas.orders WHERE id = $1', '[1]');
SELECT count(*) FROM saas.orders;
ROLLBACK;

DROP SCHEMA saas CASCADE;
DROP FUNCTION refusal(text, text, jsonb, int);
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app, regress_tg_other;
DROP ROLE regress_tg_app, regress_tg_other;
