-- The untrusted profile: SQL of a model or a stranger. It reads, with functions of an allow-list, within limits.
-- Every refusal stands beside the same statement under the application profile.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE SCHEMA saas;
GRANT USAGE ON SCHEMA saas TO regress_tg_app;
CREATE TYPE saas.status AS ENUM ('paid', 'open');
CREATE DOMAIN saas.positive AS int CHECK (abs(VALUE) = VALUE);
CREATE TABLE saas.orders (tenant_id uuid NOT NULL, id bigserial, total numeric(10,2), status saas.status, at timestamptz,
  tags text[], data jsonb, PRIMARY KEY (tenant_id, id));
INSERT INTO saas.orders (tenant_id, id, total, status, at, tags, data)
  SELECT CASE n % 2 WHEN 0 THEN :'acme' ELSE :'globex' END::uuid, n, n * 1.5,
         CASE n % 3 WHEN 0 THEN 'open' ELSE 'paid' END::saas.status, timestamptz '2024-01-01 00:00+00' + n * interval '1 day',
         ARRAY['a', 'b' || n], jsonb_build_object('n', n)
    FROM generate_series(1, 40) AS n;
SELECT FROM setval('saas.orders_id_seq', 1000);
CREATE TABLE saas.countries (code text PRIMARY KEY, name text);
INSERT INTO saas.countries VALUES ('DE', 'Germany'), ('FR', 'France');
SELECT FROM (SELECT tenant_guard.declare_shared('saas.countries', 'ISO 3166')) AS declared;
CREATE TABLE saas.secrets (v text);
CREATE FUNCTION saas.calculates(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE FUNCTION saas.sleeps() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT pg_sleep(0) IS NOT NULL';
CREATE FUNCTION saas.says(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE WARNING ''ran %'', $1; RETURN $1; END';
CREATE PROCEDURE saas.procedure() LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION saas.adds(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 + $2; END';
CREATE OPERATOR saas.@+ (LEFTARG = int, RIGHTARG = int, FUNCTION = saas.adds);
CREATE AGGREGATE saas.total (int) (SFUNC = saas.adds, STYPE = int);
CREATE TYPE saas.boxed AS (n int);
CREATE FUNCTION saas.to_boxed(int) RETURNS saas.boxed LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ROW($1)::saas.boxed; END';
CREATE CAST (int AS saas.boxed) WITH FUNCTION saas.to_boxed(int);
CREATE DOMAIN saas.checked AS int CHECK (saas.adds(VALUE, 0) > 0);
CREATE VIEW saas.paid AS SELECT id, total, date_trunc('month', at) AS month FROM saas.orders WHERE status = 'paid';
CREATE VIEW saas.asleep AS SELECT id FROM saas.orders WHERE pg_sleep(0) IS NOT NULL;
ALTER VIEW saas.paid SET (security_invoker);
ALTER VIEW saas.asleep SET (security_invoker);
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.orders, saas.countries, saas.paid, saas.asleep TO regress_tg_app;
GRANT USAGE ON SEQUENCE saas.orders_id_seq TO regress_tg_app;
SELECT tenant_guard.guard_role('regress_tg_app');

-- What a statement does under a profile, undone at once.
CREATE FUNCTION outcome(profile text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF profile = 'untrusted' THEN
    SET LOCAL tenant_guard.profile = 'untrusted';
  END IF;
  EXECUTE statement;
  RAISE EXCEPTION USING ERRCODE = 'UA000';
EXCEPTION
  WHEN SQLSTATE 'UA000' THEN RETURN 'allowed';
  WHEN OTHERS THEN
    RETURN SQLSTATE || CASE WHEN SQLERRM ~ 'an untrusted transaction' THEN ' untrusted'
                            WHEN SQLERRM ~ 'guarded transaction$' THEN ' guard'
                            ELSE ' ' || SQLERRM END;
END $$;
-- Columns: under application, under untrusted, what.
CREATE FUNCTION compare(statements text[]) RETURNS TABLE (application text, untrusted text, statement text)
LANGUAGE plpgsql AS $$
BEGIN
  FOREACH statement IN ARRAY statements LOOP
    application := outcome('application', statement);
    untrusted := outcome('untrusted', statement);
    RETURN NEXT;
  END LOOP;
END $$;
CREATE FUNCTION begin_as(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL ROLE regress_tg_app;
  RETURN tenant_guard.authenticate(token);
END $$;

-- How a transaction becomes untrusted, and that nothing takes it back.
BEGIN;
SELECT FROM begin_as(:'a_untrusted');
SHOW tenant_guard.profile;
SELECT count(*) FROM saas.orders;
SAVEPOINT s;
SELECT pg_sleep(0);
ROLLBACK TO s;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SHOW tenant_guard.profile;
SELECT pg_sleep(0);
ROLLBACK;
SHOW tenant_guard.profile;
BEGIN;
SELECT FROM begin_as(:'a_application');
SHOW tenant_guard.profile;
ROLLBACK;
BEGIN;
SELECT FROM begin_as(:'profile_unknown');
ROLLBACK;

BEGIN;
SELECT FROM begin_as(:'a_hs');
SAVEPOINT before;
SET LOCAL tenant_guard.profile = 'untrusted';
SAVEPOINT after;
SET LOCAL tenant_guard.profile = 'application';
ROLLBACK TO after;
RESET tenant_guard.profile;
ROLLBACK TO after;
RESET ALL;
ROLLBACK TO after;
SELECT set_config('tenant_guard.profile', 'application', true);
ROLLBACK TO after;
SET LOCAL tenant_guard.profile = 'untrusted';
RELEASE after;
SHOW tenant_guard.profile;
SELECT pg_sleep(0);
-- It was set after this savepoint, and goes with it.
ROLLBACK TO before;
SHOW tenant_guard.profile;
SELECT pg_sleep(0);
-- Only the way in is the client's.
SET tenant_guard.profile = 'untrusted';
ROLLBACK TO before;
SET LOCAL tenant_guard.profile = 'application';
ROLLBACK TO before;
SELECT set_config('tenant_guard.profile', 'untrusted', true);
ROLLBACK TO before;
SET LOCAL tenant_guard.profile = 'nonsense';
ROLLBACK;

-- Not even a superuser's function with a clause of its own.
CREATE FUNCTION loosens() RETURNS text LANGUAGE sql SECURITY DEFINER SET tenant_guard.profile = 'application'
  AS 'SELECT current_setting(''tenant_guard.profile'')';
BEGIN;
SELECT FROM begin_as(:'a_hs');
SELECT loosens();
SAVEPOINT s;
SET LOCAL tenant_guard.profile = 'untrusted';
SELECT loosens();
ROLLBACK;
BEGIN;
SET LOCAL tenant_guard.profile = 'untrusted';
SET LOCAL tenant_guard.profile = 'application';
ROLLBACK;
-- The role's own, with a tenant and without. Who is not guarded is not held to it.
SET tenant_guard.profile = 'untrusted';
SELECT pg_sleep(0);
BEGIN;
SET LOCAL ROLE regress_tg_app;
SAVEPOINT s;
SELECT pg_sleep(0);
ROLLBACK TO s;
SET LOCAL work_mem = '1MB';
ROLLBACK TO s;
SELECT 1 AS one;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT count(*) FROM saas.orders;
ROLLBACK;
RESET tenant_guard.profile;

-- Queries.
BEGIN;
SELECT FROM begin_as(:'a_hs');
SELECT * FROM compare(ARRAY[
  $$SELECT count(*), sum(total), avg(total), min(at), max(at) FROM saas.orders$$,
  $$SELECT date_trunc('month', at) AS m, count(DISTINCT status), count(*) FILTER (WHERE total > 10) FROM saas.orders GROUP BY 1 ORDER BY 1$$,
  $$SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), mode() WITHIN GROUP (ORDER BY status) FROM saas.orders$$,
  $$SELECT id, rank() OVER w, lag(total) OVER w, sum(total) OVER (w ROWS 3 PRECEDING) FROM saas.orders WINDOW w AS (ORDER BY id)$$,
  $$SELECT sum(total) OVER (ORDER BY at RANGE interval '7 days' PRECEDING) FROM saas.orders$$,
  $$SELECT status, sum(total) FROM saas.orders GROUP BY GROUPING SETS ((status), ()) HAVING sum(total) > 1$$,
  $$SELECT d::date, count(o.id) FROM generate_series('2024-01-01'::timestamptz, '2024-02-01', '1 day') d LEFT JOIN saas.orders o ON o.at::date = d::date GROUP BY 1$$,
  $$WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n) FROM t$$,
  $$SELECT upper(left('abc', 2)) || lpad('1', 3, '0'), concat_ws(',', 1, 2), format('%s-%I', 1, 'x'), split_part('a,b', ',', 2)$$,
  $$SELECT regexp_replace('abc', 'b', 'x'), regexp_matches('abc', 'b'), 'abc' ~* 'B', 'abc' LIKE 'a%', 'abc' SIMILAR TO 'a%'$$,
  $$SELECT substring('abc' FROM 2 FOR 1), position('b' IN 'abc'), trim(' a '), overlay('abc' PLACING 'x' FROM 1), initcap('a')$$,
  $$SELECT extract(year FROM at), at AT TIME ZONE 'Europe/Berlin', age(now(), at), to_char(at, 'YYYY-MM'), make_date(2024, 1, 1) FROM saas.orders$$,
  $$SELECT data->>'n', data @> '{"n": 2}', jsonb_build_object('a', 1), to_jsonb(o), jsonb_path_query(data, '$.n') FROM saas.orders o$$,
  $$SELECT k, v FROM saas.orders, jsonb_each_text(data) AS x(k, v)$$,
  $$SELECT * FROM jsonb_to_recordset('[{"a":1}]') AS x(a int)$$,
  $$SELECT unnest(tags), array_length(tags, 1), 'a' = ANY (tags), array_agg(id ORDER BY id), string_agg(status::text, ',') FROM saas.orders GROUP BY tags$$,
  $$SELECT to_tsvector('english', 'fat cats') @@ to_tsquery('english', 'cat'), ts_rank(to_tsvector('a'), 'a')$$,
  $$SELECT total::int, total::text, '5'::numeric, id::text::int, (1.5)::float8, '1 day'::interval, status::text, 5::saas.positive FROM saas.orders$$,
  $$SELECT CASE WHEN total > 5 THEN 'big' ELSE 'small' END, coalesce(total, 0), nullif(total, 0), greatest(1, 2), round(total, 1) FROM saas.orders$$,
  $$SELECT o.id, c.name FROM saas.orders o JOIN LATERAL (SELECT name FROM saas.countries LIMIT 1) c ON true WHERE o.id IN (SELECT id FROM saas.orders WHERE total > 3)$$,
  $$SELECT id FROM saas.orders UNION SELECT id + 1 FROM saas.orders EXCEPT SELECT 3 ORDER BY 1 LIMIT 5 OFFSET 1$$,
  $$SELECT (id, status) < (3, 'open'::saas.status), ROW(1, 2) = ROW(1, 2), int4range(1, 5) @> 3, inet '10.0.0.1' << '10.0.0.0/8' FROM saas.orders$$,
  $$SELECT md5('a'), sha256('a'), encode('a', 'hex'), gen_random_uuid(), random() < 2, clock_timestamp() > '2000-01-01', width_bucket(5, 0, 10, 5)$$,
  $$SELECT enum_range(NULL::saas.status), status > 'paid' FROM saas.orders TABLESAMPLE BERNOULLI (50)$$,
  $$SELECT corr(id, total), regr_slope(id, total), stddev(total), bool_and(total > 0), json_object_agg(id, total) FROM saas.orders$$,
  $$SELECT month, sum(total) FROM saas.paid GROUP BY 1$$,
  $$SELECT current_user, current_date, current_database(), session_user, tenant_guard.tenant_id(), tenant_guard.attribute('role'), tenant_guard.cache_key('q')$$,
  $$SELECT table_name FROM information_schema.tables WHERE table_schema = 'saas'$$,
  $$SELECT column_name, data_type, column_default FROM information_schema.columns WHERE table_schema = 'saas'$$,
  $$SELECT constraint_name, column_name FROM information_schema.key_column_usage JOIN information_schema.table_constraints USING (constraint_name)$$,
  $$SELECT view_definition FROM information_schema.views$$,
  $$SELECT check_clause FROM information_schema.check_constraints$$,
  $$SELECT name FROM pg_timezone_names LIMIT 1$$,
  $$SELECT collname FROM pg_collation LIMIT 1$$,
  $$SELECT has_table_privilege('saas.orders', 'SELECT'), 'saas.orders'::regclass = 1::oid$$
]);
-- What information_schema shows is what the role has rights on.
SELECT table_name FROM information_schema.tables WHERE table_schema = 'saas' ORDER BY 1;
ROLLBACK;

-- Commands, writing, locks.
BEGIN;
SELECT FROM begin_as(:'a_hs');
SELECT * FROM compare(ARRAY[
  $$INSERT INTO saas.orders (id) VALUES (1000)$$,
  $$UPDATE saas.orders SET total = 0$$,
  $$DELETE FROM saas.orders$$,
  $$MERGE INTO saas.orders o USING (SELECT 2 AS id) s ON o.id = s.id WHEN MATCHED THEN UPDATE SET total = 0$$,
  $$WITH gone AS (DELETE FROM saas.orders RETURNING id) SELECT count(*) FROM gone$$,
  $$SELECT id FROM saas.orders FOR UPDATE$$,
  $$SELECT id FROM saas.orders FOR KEY SHARE$$,
  $$SELECT id FROM (SELECT id FROM saas.orders FOR SHARE SKIP LOCKED) s$$,
  $$CREATE TEMPORARY TABLE t ON COMMIT DROP AS SELECT 1$$,
  $$CREATE TEMPORARY TABLE t (v text) ON COMMIT DROP$$,
  $$CREATE TABLE saas.t (v text)$$,
  $$DO 'BEGIN END'$$,
  $$CALL saas.procedure()$$,
  $$SET LOCAL work_mem = '1MB'$$,
  $$SET LOCAL statement_timeout = 0$$,
  $$RESET statement_timeout$$,
  $$RESET ALL$$,
  $$SET CONSTRAINTS ALL DEFERRED$$,
  $$SET TRANSACTION READ ONLY$$,
  $$SHOW work_mem$$,
  $$SHOW ALL$$,
  $$SHOW server_version$$,
  $$EXPLAIN SELECT * FROM saas.orders$$,
  $$LOCK TABLE saas.orders IN ACCESS SHARE MODE$$,
  $$NOTIFY n$$,
  $$UNLISTEN *$$,
  $$DISCARD PLANS$$,
  $$PREPARE p AS SELECT 1$$,
  $$DECLARE c CURSOR FOR SELECT id FROM saas.orders$$,
  $$DECLARE c CURSOR FOR SELECT id FROM saas.orders FOR UPDATE$$,
  $$DECLARE c CURSOR WITH HOLD FOR SELECT id FROM saas.orders$$
]);
ROLLBACK;
-- Writing, where an administrator lets them.
BEGIN;
SET LOCAL tenant_guard.untrusted_writes = on;
SELECT FROM begin_as(:'a_hs');
SELECT * FROM compare(ARRAY[
  $$INSERT INTO saas.orders (total) VALUES (1)$$,
  $$UPDATE saas.orders SET total = 0$$,
  $$DELETE FROM saas.orders$$,
  $$SELECT id FROM saas.orders FOR UPDATE$$,
  $$INSERT INTO saas.countries VALUES ('XX', 'x')$$,
  $$SELECT setval('saas.orders_id_seq', 1)$$,
  $$CREATE TEMPORARY TABLE t ON COMMIT DROP AS SELECT 1$$
]);
ROLLBACK;

-- Catalogs, and names by number.
BEGIN;
SELECT FROM begin_as(:'a_hs');
SELECT * FROM compare(ARRAY[
  $$SELECT relname FROM pg_class$$,
  $$SELECT 1 FROM pg_attribute LIMIT 1$$,
  $$SELECT datname FROM pg_database$$,
  $$SELECT rolname FROM pg_roles$$,
  $$SELECT tablename FROM pg_tables$$,
  $$SELECT name FROM pg_settings$$,
  $$SELECT reltuples FROM pg_class WHERE oid = 'saas.orders'::regclass$$,
  $$SELECT * FROM tenant_guard.protection$$,
  $$SELECT n::oid::regclass FROM generate_series(16384, 16400) AS n$$,
  $$SELECT n::oid::regclass::text FROM generate_series(16384, 16400) AS n$$,
  $$SELECT '16385'::regclass$$,
  $$SELECT '{16385}'::regclass[]$$,
  $$SELECT format('%s', '16385'::regrole)$$,
  $$SELECT to_jsonb('16385'::regnamespace)$$,
  $$SELECT 3765::oid::regdictionary::text$$,
  $$SELECT to_regclass('saas.secrets')$$,
  $$SELECT pg_typeof(1)$$,
  $$SELECT * FROM jsonb_to_record('{"a": "16385"}') AS x(a regclass)$$,
  $$SELECT x::text FROM jsonb_to_record('{"a": "16385"}') AS x(a regclass)$$,
  $$SELECT jsonb_populate_record(NULL::pg_type, '{"typinput": "1"}')::text$$,
  $$SELECT x FROM xmltable('/r' PASSING '<r>16385</r>' COLUMNS a regclass PATH '.') AS x$$,
  $$SELECT format_type(16385, NULL)$$,
  $$SELECT xmin FROM saas.orders$$,
  $$SELECT id FROM saas.orders WHERE ctid = '(0,1)'$$,
  $$SELECT o.tableoid = 'saas.orders'::regclass FROM saas.orders o ORDER BY o.xmax::text$$,
  $$SELECT tableoid FROM saas.orders$$,
  $$SELECT pg_get_viewdef(16385::oid)$$,
  $$SELECT pg_get_constraintdef(16385)$$
]);
ROLLBACK;

-- Functions: by name, and through all that calls one.
BEGIN;
SELECT FROM begin_as(:'a_hs');
SELECT * FROM compare(ARRAY[
  $$SELECT pg_sleep(0)$$,
  $$SELECT set_config('work_mem', '1MB', true)$$,
  $$SELECT current_setting('work_mem')$$,
  $$SELECT nextval('saas.orders_id_seq')$$,
  $$SELECT setseed(0)$$,
  $$SELECT query_to_xml('SELECT 1', true, false, '')$$,
  $$SELECT table_to_xml('saas.orders', true, false, '')$$,
  $$SELECT ts_stat('SELECT to_tsvector(''a'')')$$,
  $$SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')$$,
  $$SELECT pg_advisory_xact_lock(1)$$,
  $$SELECT pg_notify('a', 'b')$$,
  $$SELECT txid_current(), pg_current_xact_id()$$,
  $$SELECT pg_current_snapshot()$$,
  $$SELECT version()$$,
  $$SELECT inet_server_addr(), inet_client_addr(), pg_backend_pid()$$,
  $$SELECT pg_relation_filenode('saas.orders')$$,
  $$SELECT pg_ls_dir('.')$$,
  $$SELECT lo_create(0)$$,
  $$SELECT pg_cancel_backend(0)$$,
  $$SELECT obj_description(1, 'pg_class')$$,
  $$SELECT saas.calculates(1)$$,
  $$SELECT saas.calculates(id::int) FROM saas.orders$$,
  $$SELECT * FROM saas.calculates(1)$$,
  $$SELECT 1 FROM saas.orders WHERE saas.sleeps()$$,
  $$SELECT saas.adds(1, 2)$$,
  $$SELECT 1 OPERATOR(saas.@+) 2$$,
  $$SELECT id::int OPERATOR(saas.@+) 2 FROM saas.orders$$,
  $$SELECT saas.total(id::int) FROM saas.orders$$,
  $$SELECT saas.total(id::int) OVER () FROM saas.orders$$,
  $$SELECT id::int::saas.boxed FROM saas.orders$$,
  $$SELECT id::int::saas.checked FROM saas.orders$$,
  $$SELECT id FROM saas.orders ORDER BY saas.adds(id::int, 1)$$,
  $$SELECT x FROM saas.orders, LATERAL saas.adds(id::int, 1) AS x$$,
  $$SELECT count(*) FILTER (WHERE saas.adds(id::int, 1) > 0) FROM saas.orders$$,
  $$SELECT CASE WHEN total < 0 THEN saas.adds(1, 1) END FROM saas.orders$$,
  $$SELECT 1 FROM saas.orders LIMIT saas.adds(1, 1)$$,
  $$VALUES (saas.adds(1, 1))$$,
  $$SELECT id FROM saas.asleep$$
]);
ROLLBACK;
-- Nothing of it ran: not where the planner would have computed it, nor in one of several statements.
BEGIN;
SELECT FROM begin_as(:'a_untrusted');
SELECT saas.says('once')\; SELECT saas.says('twice');
ROLLBACK;

-- Functions of users, where an administrator allows them: until their definition changes, and not what they call.
CREATE FUNCTION saas.definer() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'BEGIN RETURN pg_sleep(0) IS NOT NULL; END';
SELECT tenant_guard.allow_untrusted_function('saas.adds(int, int)', 'adds'), tenant_guard.allow_untrusted_function('saas.sleeps()', 'sleeps'),
       tenant_guard.allow_untrusted_function('saas.definer()', 'knows what it does'), tenant_guard.allow_untrusted_function('version()', 'no secret');
SELECT * FROM tenant_guard.untrusted_functions WHERE function::text ~ '^saas|^version' ORDER BY function::text COLLATE "C";
BEGIN;
SELECT FROM begin_as(:'a_hs');
SELECT * FROM compare(ARRAY[
  $$SELECT saas.adds(1, 2)$$,
  $$SELECT id::int OPERATOR(saas.@+) 2 FROM saas.orders$$,
  $$SELECT id::int::saas.checked FROM saas.orders$$,
  $$SELECT version()$$,
  $$SELECT saas.definer()$$,
  $$SELECT saas.sleeps()$$,
  $$SELECT saas.total(id::int) FROM saas.orders$$,
  $$SELECT id::int::saas.boxed FROM saas.orders$$
]);
ROLLBACK;
CREATE OR REPLACE FUNCTION saas.adds(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 - $2; END';
SELECT tenant_guard.disallow_untrusted_function('version()');
BEGIN;
SELECT FROM begin_as(:'a_hs');
SELECT * FROM compare(ARRAY[$$SELECT saas.adds(1, 2)$$, $$SELECT version()$$, $$SELECT saas.definer()$$]);
ROLLBACK;
SELECT tenant_guard.allow_untrusted_function(NULL, 'x');
SELECT tenant_guard.allow_untrusted_function('saas.adds(int, int)', '');
SELECT tenant_guard.allow_untrusted_function('saas.procedure()', 'x');
SELECT tenant_guard.allow_untrusted_function('saas.total(int)', 'x');
SELECT tenant_guard.disallow_untrusted_function('version()');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT tenant_guard.allow_untrusted_function('saas.adds(int, int)', 'x');
ROLLBACK;
DELETE FROM tenant_guard.untrusted_vouchers;

-- Cursors from before are not run on.
BEGIN;
SELECT FROM begin_as(:'a_hs');
DECLARE earlier CURSOR FOR SELECT id, pg_sleep(0) FROM saas.orders ORDER BY id;
FETCH 1 FROM earlier;
SET LOCAL tenant_guard.profile = 'untrusted';
FETCH 1 FROM earlier;
ROLLBACK;
BEGIN;
SELECT FROM begin_as(:'a_untrusted');
DECLARE later CURSOR FOR SELECT id FROM saas.orders ORDER BY id;
FETCH 2 FROM later;
MOVE 1 IN later;
CLOSE later;
ROLLBACK;

-- Rows, for one statement.
BEGIN;
SET LOCAL tenant_guard.untrusted_max_rows = 5;
SELECT FROM begin_as(:'a_untrusted');
SELECT id FROM saas.orders ORDER BY id LIMIT 5;
SELECT count(*) FROM saas.orders;
SELECT id FROM saas.orders ORDER BY id LIMIT 5;
SAVEPOINT s;
SELECT id FROM saas.orders ORDER BY id;
ROLLBACK TO s;
SELECT generate_series(1, 6);
ROLLBACK TO s;
DECLARE c CURSOR FOR SELECT id FROM saas.orders ORDER BY id;
FETCH 3 FROM c;
FETCH 2 FROM c;
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
SET LOCAL tenant_guard.untrusted_max_rows = 0;
SELECT FROM begin_as(:'a_untrusted');
SELECT count(*) FROM (SELECT id FROM saas.orders) AS all_rows;
ROLLBACK;
-- Only a superuser sets the limits.
BEGIN;
SELECT FROM begin_as(:'a_hs');
SELECT * FROM compare(ARRAY[
  $$SET LOCAL tenant_guard.untrusted_max_rows = 0$$,
  $$SET LOCAL tenant_guard.untrusted_statement_timeout = 0$$,
  $$SET LOCAL tenant_guard.untrusted_temp_limit = 0$$,
  $$SET LOCAL tenant_guard.untrusted_writes = on$$
]);
ROLLBACK;
SHOW tenant_guard.untrusted_max_rows;
SHOW tenant_guard.untrusted_statement_timeout;
SHOW tenant_guard.untrusted_temp_limit;
SHOW tenant_guard.untrusted_writes;

-- Time, of what runs and of what the planner computes.
BEGIN;
SET LOCAL tenant_guard.untrusted_statement_timeout = 100;
SELECT FROM begin_as(:'a_untrusted');
SELECT count(*) FROM saas.orders;
SAVEPOINT s;
WITH RECURSIVE bomb AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM bomb) SELECT count(*) FROM bomb;
ROLLBACK TO s;
SELECT count(*) FROM generate_series(1, 1e9::bigint) a, generate_series(1, 1e9::bigint) b;
ROLLBACK TO s;
SELECT count(*) FROM saas.orders;
ROLLBACK;

-- Temporary space.
BEGIN;
SET LOCAL tenant_guard.untrusted_temp_limit = '100kB';
SET LOCAL work_mem = '64kB';
SELECT FROM begin_as(:'a_untrusted');
-- Which the majors word otherwise.
\set VERBOSITY sqlstate
SELECT count(*) FROM (SELECT n FROM generate_series(1, 100000) AS n ORDER BY n % 7 OFFSET 0) AS sorted;
\set VERBOSITY default
ROLLBACK;
BEGIN;
SET LOCAL work_mem = '64kB';
SELECT FROM begin_as(:'a_untrusted');
SELECT count(*) FROM (SELECT n FROM generate_series(1, 100000) AS n ORDER BY n % 7 OFFSET 0) AS sorted;
ROLLBACK;
SHOW temp_file_limit;

-- The list: what the server really has. A function that a new major brings is not on it.
SELECT count(*) > 2000 AS has_operators_and_more FROM tenant_guard.untrusted_functions;
-- Nothing of it changes anything but the generator, reads relations, or belongs to somebody.
SELECT function FROM tenant_guard.untrusted_functions JOIN pg_proc p ON p.oid = function
 WHERE provolatile = 'v' AND proname NOT IN ('random_normal', 'array_sample', 'array_shuffle', 'uuidv4', 'uuidv7')
   AND NOT (proname = 'random' AND pronargs > 0)
 ORDER BY function::text COLLATE "C";
SELECT function FROM tenant_guard.untrusted_functions JOIN pg_proc p ON p.oid = function WHERE prosecdef ORDER BY 1;
SELECT pronamespace::regnamespace, count(*) > 0 AS has_some
  FROM tenant_guard.untrusted_functions JOIN pg_proc p ON p.oid = function GROUP BY 1 ORDER BY 1;
-- Names by which others are reached, whatever a major calls them.
SELECT function FROM tenant_guard.untrusted_functions JOIN pg_proc p ON p.oid = function
 WHERE proname ~ '^(pg_(stat|ls_|read|advisory|try|terminate|cancel|replication|logical|wal|backup|get_(wal|shmem|lock))|lo_|dblink|txid|currval|lastval|setval|set_|inet_(server|client)|query_to|table_to|database_to|schema_to|cursor_to|ts_stat|ts_rewrite|to_reg|binary_upgrade)'
   AND proname NOT IN ('set_bit', 'set_byte', 'set_masklen')
 ORDER BY 1;
-- Every operator of PostgreSQL works but those over types that show names.
SELECT oprname, oprcode FROM pg_operator WHERE oid < 16384 AND tenant_guard.why_allowed_untrusted(oprcode::oid::regprocedure) IS NULL AND oprcode <> 0
 ORDER BY 1, 2;

DROP SCHEMA saas CASCADE;
DROP FUNCTION outcome(text, text), compare(text[]), begin_as(text), loosens();
DELETE FROM tenant_guard.guarded_roles;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app;
