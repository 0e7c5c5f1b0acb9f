-- Which relations a guarded transaction can reach, by every way in: each must be isolated for whoever
-- reads it, declared shared, or a catalog that tells nothing about tenants.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE ROLE regress_tg_owner;
CREATE ROLE regress_tg_super SUPERUSER;
CREATE ROLE regress_tg_bypass BYPASSRLS;
CREATE SCHEMA saas AUTHORIZATION regress_tg_owner;
GRANT USAGE ON SCHEMA saas TO regress_tg_app, regress_tg_bypass;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_tg_owner GRANT ALL ON TABLES TO regress_tg_app, regress_tg_bypass;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_tg_owner GRANT ALL ON SEQUENCES TO regress_tg_app, regress_tg_bypass;

SET SESSION AUTHORIZATION regress_tg_owner;
CREATE TABLE saas.orders (tenant_id uuid NOT NULL, id serial, v text, PRIMARY KEY (tenant_id, id));
CREATE TABLE saas.lines (tenant_id uuid NOT NULL, order_id int, v text,
  FOREIGN KEY (tenant_id, order_id) REFERENCES saas.orders (tenant_id, id) ON DELETE CASCADE);
CREATE TABLE saas.forgotten (id int PRIMARY KEY, v text);
CREATE TABLE saas.countries (code text PRIMARY KEY, v text);
CREATE TABLE saas.parts (tenant_id uuid NOT NULL, at int, v text) PARTITION BY RANGE (at);
CREATE TABLE saas.parts_1 PARTITION OF saas.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE saas.own_policies (id int, v text);
ALTER TABLE saas.own_policies ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_hand ON saas.own_policies USING (v = current_setting('app.tenant', true));
RESET SESSION AUTHORIZATION;
SELECT tenant_guard.declare_shared('saas.countries', 'ISO 3166');
INSERT INTO saas.orders VALUES (:'acme', 1, 'acme'), (:'globex', 2, 'globex');
INSERT INTO saas.lines VALUES (:'acme', 1, 'acme'), (:'globex', 2, 'globex');
INSERT INTO saas.parts VALUES (:'acme', 1, 'acme'), (:'globex', 2, 'globex');
INSERT INTO saas.forgotten VALUES (1, 'acme'), (2, 'globex');
INSERT INTO saas.countries VALUES ('de', 'Germany');
SELECT setval('saas.orders_id_seq', 10);
ANALYZE saas.orders;

SET SESSION AUTHORIZATION regress_tg_owner;
CREATE VIEW saas.orders_view AS SELECT * FROM saas.orders;
CREATE VIEW saas.settings AS SELECT setconfig FROM pg_db_role_setting;
CREATE VIEW saas.orders_invoker WITH (security_invoker) AS SELECT * FROM saas.orders;
CREATE VIEW saas.orders_barrier WITH (security_barrier) AS SELECT * FROM saas.orders;
CREATE VIEW saas.forgotten_view AS SELECT * FROM saas.forgotten;
CREATE VIEW saas.forgotten_invoker WITH (security_invoker) AS SELECT * FROM saas.forgotten;
CREATE VIEW saas.nested_view AS SELECT o.v, f.v AS name FROM saas.orders_view o JOIN saas.forgotten_view f ON true;
CREATE VIEW saas.countries_view AS SELECT * FROM saas.countries;
CREATE MATERIALIZED VIEW saas.orders_mv AS SELECT * FROM saas.orders WITH NO DATA;
CREATE FUNCTION saas.orders_inlined() RETURNS SETOF saas.orders LANGUAGE sql STABLE AS $$ SELECT * FROM saas.orders $$;
CREATE FUNCTION saas.forgotten_inlined() RETURNS SETOF saas.forgotten LANGUAGE sql STABLE AS $$ SELECT * FROM saas.forgotten $$;
CREATE FUNCTION saas.forgotten_scalar() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM saas.forgotten $$;
CREATE FUNCTION saas.forgotten_plpgsql() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM saas.forgotten); END $$;
CREATE FUNCTION saas.forgotten_definer() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN (SELECT count(*) FROM saas.forgotten); END $$;
CREATE FUNCTION saas.orders_definer() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN (SELECT count(*) FROM saas.orders); END $$;
CREATE FUNCTION saas.orders_atomic() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM saas.orders; END;
CREATE FUNCTION saas.forgotten_atomic() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM saas.forgotten; END;
CREATE FUNCTION saas.forgotten_by_rows() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'SELECT v FROM saas.forgotten'; END $$;
CREATE FUNCTION saas.forgotten_by_cursor() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  c CURSOR FOR SELECT f.v FROM saas.forgotten f;
  found text;
BEGIN
  OPEN c;
  FETCH c INTO found;
  RETURN found;
END $$;
CREATE FUNCTION saas.note(v text) RETURNS text LANGUAGE sql AS $$ INSERT INTO saas.forgotten VALUES (0, v) RETURNING forgotten.v $$;
-- The usual audit trigger, which runs with its owner's rights and writes where nobody isolates.
CREATE TABLE saas.audited (tenant_id uuid NOT NULL, v text);
CREATE FUNCTION saas.audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO saas.forgotten SELECT max(id) + 1, NEW.v FROM saas.forgotten;
  RETURN NEW;
END $$;
CREATE TRIGGER audit AFTER INSERT ON saas.audited FOR EACH ROW EXECUTE FUNCTION saas.audit();
CREATE FUNCTION saas.run(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  found text;
BEGIN
  EXECUTE statement INTO found;
  RETURN found;
END $$;
CREATE FUNCTION saas.run_definer(statement text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  found text;
BEGIN
  EXECUTE statement INTO found;
  RETURN found;
END $$;
GRANT ALL ON ALL TABLES IN SCHEMA saas TO regress_tg_app;
RESET SESSION AUTHORIZATION;
-- What superusers and BYPASSRLS roles own, row security does not apply to.
CREATE VIEW saas.orders_by_super AS SELECT * FROM saas.orders;
ALTER VIEW saas.orders_by_super OWNER TO regress_tg_super;
CREATE VIEW saas.orders_by_bypass AS SELECT * FROM saas.orders;
ALTER VIEW saas.orders_by_bypass OWNER TO regress_tg_bypass;
CREATE VIEW saas.invoker_over_super WITH (security_invoker) AS SELECT * FROM saas.orders_by_super;
CREATE VIEW saas.super_over_invoker AS SELECT * FROM saas.orders_invoker;
ALTER VIEW saas.super_over_invoker OWNER TO regress_tg_super;
CREATE FUNCTION saas.orders_definer_super() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN (SELECT count(*) FROM saas.orders); END $$;
ALTER FUNCTION saas.orders_definer_super OWNER TO regress_tg_super;
CREATE FUNCTION saas.orders_definer_super_sql() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM saas.orders $$;
ALTER FUNCTION saas.orders_definer_super_sql OWNER TO regress_tg_super;
GRANT SELECT ON ALL TABLES IN SCHEMA saas TO regress_tg_app;

-- Runs a query and gives its answer or the SQLSTATE.
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  found text;
BEGIN
  EXECUTE format('SELECT string_agg(x::text, '','' ORDER BY x::text) FROM (%s) AS y (x)', query) INTO found;
  RETURN coalesce(found, 'no rows');
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;
CREATE FUNCTION answers(queries text[]) RETURNS TABLE (query text, answer text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH query IN ARRAY queries LOOP
    answer := public.answer(query);
    RETURN NEXT;
  END LOOP;
END $$;
\set reads '{"SELECT rolname FROM pg_roles WHERE rolname = ''regress_tg_app''", "SELECT count(*) FROM pg_user u JOIN pg_roles r ON r.rolname = u.usename WHERE rolsuper AND rolname = ''postgres''", "SELECT v FROM saas.orders", "SELECT v FROM ONLY saas.orders", "SELECT v FROM saas.orders TABLESAMPLE SYSTEM (100)", "SELECT v FROM saas.parts", "SELECT v FROM saas.parts_1", "SELECT v FROM saas.countries", "SELECT v FROM saas.countries_view", "SELECT v FROM saas.orders_view", "SELECT v FROM saas.orders_invoker", "SELECT v FROM saas.orders_barrier", "SELECT v FROM saas.orders_inlined()", "SELECT saas.orders_definer()", "SELECT saas.orders_atomic()", "WITH o AS (SELECT * FROM saas.orders) SELECT v FROM o", "WITH o AS MATERIALIZED (SELECT * FROM saas.orders) SELECT v FROM o", "SELECT (SELECT v FROM saas.orders LIMIT 1)", "SELECT query_to_xml(''SELECT v FROM saas.orders'', false, true, '''')", "SELECT word FROM ts_stat(''SELECT to_tsvector(v) FROM saas.orders'')", "SELECT saas.run(''SELECT v FROM saas.orders'')", "SELECT saas.run_definer(''SELECT v FROM saas.orders'')", "SELECT v FROM saas.orders WHERE ctid = ''(0,2)''", "SELECT count(*) FROM pg_class WHERE relname = ''orders''", "SELECT table_name FROM information_schema.tables WHERE table_name = ''orders''", "SELECT nextval(''saas.orders_id_seq'') > 0"}'
\set attacks '{"SELECT v FROM saas.forgotten", "SELECT v FROM saas.forgotten WHERE false", "SELECT 1 FROM saas.forgotten LIMIT 0", "SELECT v FROM saas.own_policies", "SELECT v FROM saas.forgotten_view", "SELECT v FROM saas.forgotten_invoker", "SELECT name FROM saas.nested_view", "SELECT v FROM saas.nested_view", "SELECT v FROM saas.orders_mv", "SELECT v FROM saas.orders_by_super", "SELECT v FROM saas.orders_by_bypass", "SELECT v FROM saas.invoker_over_super", "SELECT v FROM saas.forgotten_inlined()", "SELECT saas.forgotten_scalar()", "SELECT saas.forgotten_plpgsql()", "SELECT saas.forgotten_definer()", "SELECT saas.forgotten_atomic()", "SELECT saas.orders_definer_super()", "SELECT saas.orders_definer_super_sql()", "WITH o AS (SELECT * FROM saas.forgotten) SELECT v FROM o", "WITH RECURSIVE o AS (SELECT * FROM saas.forgotten UNION SELECT * FROM o) SELECT v FROM o", "SELECT v FROM saas.orders WHERE v IN (SELECT v FROM saas.forgotten)", "SELECT v FROM saas.orders WHERE EXISTS (SELECT FROM saas.forgotten)", "SELECT v FROM saas.orders UNION ALL SELECT v FROM saas.forgotten", "SELECT o.v FROM saas.orders o, LATERAL (SELECT * FROM saas.forgotten f WHERE f.id = o.id) f", "SELECT query_to_xml(''SELECT v FROM saas.forgotten'', false, true, '''')", "SELECT table_to_xml(''saas.forgotten'', false, true, '''')", "SELECT schema_to_xml(''saas'', false, true, '''')", "SELECT word FROM ts_stat(''SELECT to_tsvector(v) FROM saas.forgotten'')", "SELECT saas.run(''SELECT v FROM saas.forgotten'')", "SELECT saas.run_definer(''SELECT v FROM saas.forgotten'')", "SELECT saas.run(''EXPLAIN SELECT v FROM saas.forgotten'')", "SELECT f FROM saas.forgotten f", "SELECT tableoid FROM saas.forgotten", "SELECT to_jsonb(f) FROM saas.forgotten f", "VALUES ((SELECT max(v) FROM saas.forgotten))", "SELECT count(*) FROM saas.orders o FULL JOIN saas.forgotten f ON f.id = o.id", "SELECT saas.forgotten_by_rows()", "SELECT saas.forgotten_by_cursor()", "SELECT array_agg(saas.note(v)) FROM saas.orders", "SELECT last_value FROM saas.orders_id_seq", "SELECT staattnum FROM pg_statistic", "SELECT most_common_vals FROM pg_stats WHERE tablename = ''orders''", "SELECT histogram_bounds FROM pg_stats", "SELECT statistics_name FROM pg_stats_ext", "SELECT loid FROM pg_largeobject", "SELECT oid FROM pg_largeobject_metadata", "SELECT rolpassword FROM pg_authid", "SELECT query FROM pg_stat_activity", "SELECT n_live_tup FROM pg_stat_user_tables", "SELECT seq_scan FROM pg_stat_xact_user_tables", "SELECT pid FROM pg_locks", "SELECT setconfig FROM pg_db_role_setting", "SELECT rolconfig FROM pg_roles", "SELECT r FROM pg_roles r", "SELECT useconfig FROM pg_user", "SELECT 1 FROM pg_user u WHERE useconfig IS NOT NULL", "SELECT rolname FROM pg_roles, saas.settings", "SELECT rolname FROM pg_roles, pg_db_role_setting", "SELECT name FROM pg_cursors WHERE pg_relation_size(''saas.orders'') > 0", "SELECT reltuples FROM pg_class WHERE pg_total_relation_size(oid) > 0", "SELECT sequencename FROM pg_sequences WHERE last_value > 0", "SELECT name FROM pg_prepared_statements", "SELECT gid FROM pg_prepared_xacts"}'

-- Not guarded: the application reads what its grants allow.
SET SESSION AUTHORIZATION regress_tg_app;
SELECT * FROM answers(:'reads') WHERE query ~ 'orders$';
SELECT v FROM saas.forgotten ORDER BY v;
-- Guarded: what is isolated or shared can be read, by every way in.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT * FROM answers(:'reads');
COMMIT;
-- And nothing else.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT * FROM answers(:'attacks');
COMMIT;

-- The error names the relation, what it is, and what to run.
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT v FROM saas.forgotten;
SELECT v FROM saas.own_policies;
SELECT v FROM saas.orders_mv;
SELECT v FROM saas.orders_by_super;
SELECT last_value FROM saas.orders_id_seq;
SELECT staattnum FROM pg_statistic;
SELECT pg_relation_size('saas.orders');
INSERT INTO saas.countries VALUES ('fr');
COMMIT;
\set ON_ERROR_ROLLBACK off

--
-- Writing
--
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
INSERT INTO saas.orders (v) VALUES ('new') RETURNING id > 10 AS by_sequence, v;
UPDATE saas.orders SET v = v || '!' RETURNING v;
INSERT INTO saas.orders_view (v) VALUES ('through a view') RETURNING v;
-- Foreign keys work, also across what row security hides.
INSERT INTO saas.lines (order_id, v) VALUES (2, 'new line') RETURNING v;
DELETE FROM saas.orders WHERE id = 2 RETURNING v;
SELECT count(*) FROM saas.lines;
\set VERBOSITY sqlstate
INSERT INTO saas.lines (order_id, v) VALUES (1, 'another tenant''s order');
INSERT INTO saas.orders (tenant_id, v) VALUES (:'acme', 'forged');
INSERT INTO saas.orders_view (tenant_id, v) VALUES (:'acme', 'forged');
INSERT INTO saas.orders_by_super (tenant_id, v) VALUES (:'acme', 'forged');
INSERT INTO saas.forgotten VALUES (3, 'x');
UPDATE saas.forgotten SET v = 'x';
DELETE FROM saas.forgotten;
UPDATE saas.orders SET v = f.v FROM saas.forgotten f;
DELETE FROM saas.orders USING saas.forgotten f;
INSERT INTO saas.orders (v) SELECT v FROM saas.forgotten;
INSERT INTO saas.orders (v) VALUES ('x') RETURNING (SELECT max(v) FROM saas.forgotten);
WITH d AS (DELETE FROM saas.forgotten RETURNING v) SELECT * FROM d;
MERGE INTO saas.forgotten f USING saas.orders o ON f.id = o.id WHEN MATCHED THEN DELETE;
MERGE INTO saas.orders o USING saas.forgotten f ON f.id = o.id WHEN MATCHED THEN DELETE;
SELECT v FROM saas.forgotten FOR UPDATE;
INSERT INTO saas.audited (v) VALUES ('written by a trigger');
INSERT INTO saas.orders (tenant_id, id, v) VALUES (:'acme', 1, 'is there') ON CONFLICT DO NOTHING;
INSERT INTO saas.orders (tenant_id, id, v) VALUES (:'acme', 1, 'is there') ON CONFLICT (tenant_id, id) DO UPDATE SET v = 'x';
\set VERBOSITY default
SELECT v FROM saas.orders FOR UPDATE;
ROLLBACK;
\set ON_ERROR_ROLLBACK off
-- Nothing reached anybody else.
RESET SESSION AUTHORIZATION;
SELECT tenant_id = :'acme' AS acme, id, v FROM saas.orders ORDER BY id;
SELECT count(*) FROM saas.lines;
SET SESSION AUTHORIZATION regress_tg_app;

--
-- Utility statements that touch relations
--
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
COPY saas.orders (v) TO STDOUT;
COPY (SELECT v FROM saas.orders) TO STDOUT;
COPY saas.countries TO STDOUT;
DECLARE c CURSOR FOR SELECT v FROM saas.orders;
FETCH ALL FROM c;
EXPLAIN (COSTS OFF, VERBOSE OFF) SELECT v FROM saas.countries;
\set VERBOSITY sqlstate
COPY saas.forgotten TO STDOUT;
COPY saas.forgotten (v) TO STDOUT;
COPY (SELECT v FROM saas.forgotten) TO STDOUT;
COPY (SELECT v FROM saas.orders_by_super) TO STDOUT;
COPY (DELETE FROM saas.forgotten RETURNING v) TO STDOUT;
\copy saas.forgotten FROM /dev/null
COPY saas.orders_mv TO STDOUT;
DECLARE d CURSOR FOR SELECT v FROM saas.forgotten;
EXPLAIN SELECT v FROM saas.forgotten;
EXPLAIN (ANALYZE) SELECT v FROM saas.orders;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) DELETE FROM saas.forgotten;
EXPLAIN DECLARE d CURSOR FOR SELECT v FROM saas.forgotten;
TRUNCATE saas.orders;
TRUNCATE saas.forgotten;
TRUNCATE saas.orders_mv;
LOCK TABLE saas.forgotten IN ACCESS SHARE MODE;
LOCK TABLE saas.orders IN ACCESS EXCLUSIVE MODE;
LOCK TABLE saas.orders;
LOCK TABLE saas.forgotten_view IN ACCESS SHARE MODE;
REFRESH MATERIALIZED VIEW saas.orders_mv;
CREATE TEMPORARY TABLE stolen ON COMMIT DROP AS SELECT * FROM saas.forgotten;
SELECT * INTO TEMPORARY stolen FROM saas.orders;
ANALYZE saas.orders;
VACUUM saas.orders;
CLUSTER saas.orders USING orders_pkey;
REINDEX TABLE saas.orders;
ALTER TABLE saas.forgotten ADD COLUMN x int;
CREATE INDEX ON saas.orders (v);
CREATE TRIGGER t BEFORE INSERT ON saas.orders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE RULE r AS ON INSERT TO saas.orders DO ALSO SELECT 1;
COMMENT ON TABLE saas.orders IS 'x';
GRANT SELECT ON saas.orders TO PUBLIC;
DROP TABLE saas.forgotten;
DO $$ BEGIN PERFORM FROM saas.forgotten; END $$;
DO $$ BEGIN EXECUTE 'TRUNCATE saas.orders'; END $$;
\set VERBOSITY default
LOCK TABLE saas.orders IN ACCESS SHARE MODE;
LOCK TABLE saas.orders IN ROW EXCLUSIVE MODE;
CREATE TEMPORARY TABLE own_rows ON COMMIT DROP AS SELECT v FROM saas.orders;
SELECT * FROM own_rows;
TRUNCATE own_rows;
DROP TABLE own_rows;
ROLLBACK;
\set ON_ERROR_ROLLBACK off

--
-- Plans that were made earlier: by another role, for another tenant, before a declaration changed
--
RESET SESSION AUTHORIZATION;
CREATE FUNCTION saas.cached_orders() RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT string_agg(v, ',' ORDER BY v) FROM saas.orders); END $$;
CREATE FUNCTION saas.cached_forgotten() RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT string_agg(v, ',' ORDER BY v) FROM saas.forgotten); END $$;
CREATE FUNCTION saas.cached_countries() RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT string_agg(v, ',' ORDER BY v) FROM saas.countries); END $$;
-- By the superuser first, six times, so that the plans are generic.
SELECT saas.cached_orders(), saas.cached_forgotten(), saas.cached_countries() FROM generate_series(1, 6);
SET ROLE regress_tg_app;
SELECT saas.cached_orders(), saas.cached_forgotten(), saas.cached_countries() FROM generate_series(1, 6);
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT saas.cached_orders(), saas.cached_countries() FROM generate_series(1, 6);
SELECT answer('SELECT saas.cached_forgotten()');
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT saas.cached_orders(), saas.cached_countries();
SELECT answer('SELECT saas.cached_forgotten()');
COMMIT;
SELECT saas.cached_orders(), saas.cached_forgotten();
RESET ROLE;
-- A declaration is taken back, by the same session, with the plan in the cache.
SELECT tenant_guard.undeclare_shared('saas.countries');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT answer('SELECT saas.cached_countries()');
ROLLBACK;
SELECT tenant_guard.declare_shared('saas.countries', 'ISO 3166');
SELECT tenant_guard.declare_shared('saas.forgotten', 'by mistake');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT saas.cached_countries(), saas.cached_forgotten();
ROLLBACK;
SELECT tenant_guard.undeclare_shared('saas.forgotten');
-- In the same transaction, and undone in it.
BEGIN;
SAVEPOINT s;
SELECT tenant_guard.declare_shared('saas.forgotten', 'by mistake');
ROLLBACK TO s;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT answer('SELECT saas.cached_forgotten()');
ROLLBACK;
-- Prepared in SQL before the role is guarded.
PREPARE from_forgotten AS SELECT v FROM saas.forgotten;
PREPARE from_orders AS SELECT v FROM saas.orders ORDER BY v;
EXECUTE from_orders;
SET ROLE regress_tg_app;
BEGIN;
SAVEPOINT s;
SELECT FROM tenant_guard.authenticate(:'a_hs');
ROLLBACK;
SET SESSION AUTHORIZATION regress_tg_app;
EXECUTE from_orders;
RESET SESSION AUTHORIZATION;
SELECT tenant_guard.guard_role('regress_tg_app');
SET SESSION AUTHORIZATION regress_tg_app;
EXECUTE from_forgotten;
EXECUTE from_orders;
\c -

--
-- enforce = off, warn, authenticated, always
--
SET client_min_messages = warning;
SELECT tenant_guard.guard_role('regress_tg_app', 'off');
CREATE FUNCTION three() RETURNS TABLE (orders text, forgotten text, countries text) LANGUAGE sql AS $$
  SELECT answer('SELECT v FROM saas.orders'), answer('SELECT v FROM saas.forgotten'),
         answer('SELECT v FROM saas.countries') $$;
CREATE TABLE enforced (mode text, context text, orders text, forgotten text, countries text);
SELECT tenant_guard.declare_shared('enforced', 'notes of this test', writable => true);
CREATE FUNCTION try_modes(token text) RETURNS TABLE (mode text, context text, orders text, forgotten text, countries text)
  LANGUAGE plpgsql AS $$
BEGIN
  FOREACH mode IN ARRAY ARRAY['off', 'warn', 'authenticated', 'always'] LOOP
    FOREACH context IN ARRAY ARRAY['no', 'yes'] LOOP
      BEGIN
        PERFORM set_config('tenant_guard.enforce', mode, true);
        PERFORM set_config('role', 'regress_tg_app', true);
        IF context = 'yes' THEN PERFORM tenant_guard.authenticate(token); END IF;
        SELECT t.orders, t.forgotten, t.countries INTO orders, forgotten, countries FROM public.three() t;
        RAISE EXCEPTION USING ERRCODE = 'UA000';
      EXCEPTION WHEN SQLSTATE 'UA000' THEN RETURN NEXT;
      END;
    END LOOP;
  END LOOP;
END $$;
SELECT * FROM try_modes(:'a_hs');
-- The error without a context says what to do.
SELECT tenant_guard.guard_role('regress_tg_app', 'always');
SET SESSION AUTHORIZATION regress_tg_app;
SELECT v FROM saas.orders;
SELECT v FROM saas.forgotten;
SELECT v FROM saas.countries;
INSERT INTO saas.orders (v) VALUES ('nobody''s');
COPY saas.orders TO STDOUT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM saas.orders;
COMMIT;
SELECT v FROM saas.orders;
-- A guarded role does not get away from it.
\set VERBOSITY sqlstate
SET tenant_guard.enforce = 'off';
RESET tenant_guard.enforce;
SET SESSION AUTHORIZATION regress_tg_owner;
SET ROLE regress_tg_app;
RESET SESSION AUTHORIZATION;
\set VERBOSITY default
SELECT v FROM saas.forgotten;
\c -
SET client_min_messages = warning;
-- guard_role() is seen by sessions that are there, and taken back as well.
CREATE FUNCTION as_app() RETURNS TABLE (orders text, forgotten text) LANGUAGE plpgsql SET role = 'regress_tg_app' AS $$
BEGIN RETURN QUERY SELECT t.orders, t.forgotten FROM public.three() t; END $$;
CREATE FUNCTION set_mode(wanted text) RETURNS void LANGUAGE sql AS $$
  SELECT tenant_guard.guard_role('regress_tg_app', wanted) $$;
SELECT FROM set_mode('off');
SELECT * FROM as_app();
SELECT FROM set_mode('always');
SELECT * FROM as_app();
SELECT FROM set_mode('warn');
SELECT * FROM as_app();
SELECT FROM set_mode('authenticated');
SELECT * FROM as_app();
SELECT tenant_guard.guard_role('regress_tg_app', 'sometimes');
SELECT tenant_guard.guard_role('regress_tg_app', NULL);
SELECT tenant_guard.guard_role(NULL);
SELECT tenant_guard.guard_role('regress_tg_super');
SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'regress_tg_app'::regrole;

-- A table that somebody puts into the extension's own schema is not trusted for it.
CREATE TABLE tenant_guard.stray (tenant_id uuid, v text);
INSERT INTO tenant_guard.stray VALUES (:'acme', 'acme'), (:'globex', 'globex');
GRANT SELECT ON tenant_guard.stray TO regress_tg_app;
SELECT relation, status, reason FROM tenant_guard.protection WHERE relation::text LIKE 'tenant_guard.%';
SELECT answer('SELECT v FROM tenant_guard.stray'), answer('SELECT v FROM saas.orders');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT answer('SELECT v FROM tenant_guard.stray'), answer('SELECT v FROM saas.orders');
ROLLBACK;
DROP TABLE tenant_guard.stray;

-- Nobody named a role: the database says `always`. Who owns nothing is held to every rule, before it authenticates as
-- well; an owner migrates, and so does a member of it.
CREATE FUNCTION in_database(wanted text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('ALTER DATABASE %I SET tenant_guard.enforce = %L', current_database(), wanted); END $$;
SELECT FROM in_database('always');
SELECT current_user AS super \gset
CREATE ROLE regress_tg_tenant LOGIN;
CREATE ROLE regress_tg_migrator LOGIN IN ROLE regress_tg_owner;
GRANT USAGE ON SCHEMA saas TO regress_tg_tenant;
GRANT SELECT ON saas.orders TO regress_tg_tenant;
\c - regress_tg_tenant
SET work_mem = '1MB';
LISTEN regress_tg_channel;
SELECT pg_advisory_lock(1);
PREPARE left_behind AS SELECT 1;
CREATE TEMPORARY TABLE orders (v text);
-- Owning a temporary table lets nobody off.
BEGIN;
CREATE TEMPORARY TABLE own (v text) ON COMMIT DROP;
SET work_mem = '1MB';
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SET LOCAL work_mem = '1MB';
SELECT v FROM saas.orders;
COMMIT;
\c - regress_tg_migrator
SET work_mem = '1MB';
SET ROLE regress_tg_owner;
CREATE TABLE saas.migrated (tenant_id uuid);
DROP TABLE saas.migrated;
\c - :super
SET client_min_messages = warning;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET tenant_guard.enforce', current_database()); END $$;
DROP ROLE regress_tg_migrator;
DROP OWNED BY regress_tg_tenant;
DROP ROLE regress_tg_tenant;

--
-- Who is exempt
--
-- Owners that run migrations, until they authenticate or are named.
SET tenant_guard.enforce = 'always';
SET ROLE regress_tg_owner;
SELECT v FROM saas.forgotten ORDER BY v;
SELECT count(*) FROM saas.orders;
ALTER TABLE saas.orders ADD COLUMN migrated int;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM saas.orders;
SELECT v FROM saas.forgotten;
ROLLBACK;
CREATE TABLE saas.migrated (tenant_id uuid);
DROP TABLE saas.migrated;
RESET ROLE;
\c -
SELECT tenant_guard.guard_role('regress_tg_owner', 'always');
SET SESSION AUTHORIZATION regress_tg_owner;
SELECT v FROM saas.forgotten;
ALTER TABLE saas.orders ADD COLUMN migrated_again int;
\c -
SET client_min_messages = warning;
-- BYPASSRLS, until it authenticates or is named.
SET ROLE regress_tg_bypass;
SELECT v FROM saas.orders ORDER BY v;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM saas.orders;
ROLLBACK;
RESET ROLE;
SELECT tenant_guard.guard_role('regress_tg_bypass', 'always');
SET SESSION AUTHORIZATION regress_tg_bypass;
SELECT v FROM saas.orders;
\c -
SET client_min_messages = warning;
-- A superuser that authenticates is guarded: row security would not apply to it.
SET ROLE regress_tg_super;
SELECT v FROM saas.orders ORDER BY v;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM saas.orders;
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SET LOCAL ROLE regress_tg_app;
SELECT v FROM saas.orders;
ROLLBACK;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM saas.orders;
ROLLBACK;
RESET ROLE;
-- row_security = off makes core refuse, and never shows more.
SET ROLE regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SET LOCAL row_security = off;
\set VERBOSITY sqlstate
SELECT v FROM saas.orders;
\set VERBOSITY default
ROLLBACK;
RESET ROLE;

DELETE FROM tenant_guard.guarded_roles;
DROP SCHEMA saas CASCADE;
DROP TABLE enforced;
DROP FUNCTION answer, answers, three, try_modes, as_app, set_mode, in_database;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_owner;
DROP OWNED BY regress_tg_app, regress_tg_super, regress_tg_bypass;
DROP ROLE regress_tg_app, regress_tg_owner, regress_tg_super, regress_tg_bypass;
