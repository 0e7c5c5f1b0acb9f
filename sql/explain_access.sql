-- explain_access(): for each relation, command and function of note, what the guard would say; nothing runs.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never
\set super :USER

SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app LOGIN;
CREATE ROLE regress_tg_owner;
CREATE ROLE regress_tg_bypass BYPASSRLS;
CREATE TABLE orders (tenant_id uuid NOT NULL, v text);
CREATE TABLE forgotten (v text);
CREATE TABLE opened (tenant_id uuid NOT NULL);
CREATE TABLE countries (code text);
ALTER TABLE orders OWNER TO regress_tg_owner;
CREATE VIEW owners_view AS SELECT * FROM orders;
CREATE VIEW bypassing_view AS SELECT * FROM orders;
ALTER VIEW owners_view OWNER TO regress_tg_owner;
ALTER VIEW bypassing_view OWNER TO regress_tg_bypass;
CREATE FUNCTION in_planning() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'it ran'; END $$;
CREATE FUNCTION definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS 'SELECT count(*) FROM orders';
CREATE DOMAIN checked AS int CHECK (in_planning() > VALUE);
SELECT tenant_guard.declare_shared('countries', 'ISO 3166');
SELECT FROM tenant_guard.unprotect('opened');
SELECT tenant_guard.guard_role('regress_tg_app');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO regress_tg_app;
GRANT UPDATE ON countries TO regress_tg_app;
SELECT FROM (SELECT tenant_guard.reset_violations()) AS reset;

CREATE FUNCTION explain(sql text) RETURNS TABLE (n int, kind text, relation text, read_as text, allowed boolean, reason text, remedy text)
  LANGUAGE sql AS $$
  SELECT statement, kind, relation, substring(read_as FROM '^regress.*'), allowed, left(reason, 60), left(remedy, 70)
    FROM tenant_guard.explain_access(sql, 'regress_tg_app') ORDER BY 1, 2, relation COLLATE "C", read_as COLLATE "C" $$;
SELECT * FROM explain('SELECT * FROM orders, forgotten, countries, opened');
SELECT * FROM explain('SELECT * FROM owners_view; SELECT * FROM bypassing_view');
SELECT * FROM explain('WITH a AS (SELECT * FROM forgotten) SELECT (SELECT max(v) FROM a), ARRAY(SELECT v FROM orders) UNION ALL SELECT NULL, NULL WHERE EXISTS (SELECT FROM countries)');
SELECT * FROM explain('UPDATE countries SET code = $1 WHERE code = $2; SELECT * FROM countries FOR UPDATE');
SELECT * FROM explain('SELECT count(*) FROM pg_stats; SELECT rolname FROM pg_roles; SELECT * FROM pg_roles');
-- Commands, and the queries in them.
SELECT * FROM explain('SET work_mem = 1; SET LOCAL work_mem = 1; COPY forgotten TO STDOUT; COPY (SELECT * FROM forgotten) TO STDOUT; TRUNCATE orders');
SELECT * FROM explain('EXPLAIN ANALYZE SELECT * FROM forgotten; DECLARE c CURSOR FOR SELECT * FROM orders; CREATE TABLE t AS SELECT * FROM forgotten');
-- Functions that are refused, and those in which more will be checked.
SELECT * FROM explain('SELECT definer(), pg_stat_get_activity(1), upper($1)');
SELECT FROM (SELECT tenant_guard.allow_function('definer()', 'statistics')) AS allowed;
SELECT * FROM explain('SELECT definer()');
-- Nothing runs: no function that planning would evaluate, no statement, no check of a domain.
SELECT * FROM explain('SELECT in_planning() FROM orders; SELECT 1::checked; SELECT ''1''::checked');
SELECT * FROM explain('DROP TABLE orders; DELETE FROM countries');
SELECT count(*) FROM tenant_guard.violations;
SELECT 'regress_tg_app'::regrole <> current_user::regrole AS is_still_itself;
SELECT * FROM explain('SELECT * FROM nowhere');
SELECT current_user = :'super' AS is_still_itself;
SELECT * FROM explain('SELEC');
SELECT * FROM explain('');
SELECT * FROM tenant_guard.explain_access(NULL);

-- It agrees with what happens.
\c - regress_tg_app
SELECT relation, allowed FROM tenant_guard.explain_access('SELECT * FROM forgotten');
SELECT relation, allowed, reason FROM tenant_guard.explain_access('SELECT * FROM owners_view');
-- For another role only for who may become it.
SELECT * FROM tenant_guard.explain_access('SELECT * FROM orders', 'regress_tg_owner');
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT FROM (SELECT tenant_guard.authenticate(:'a_hs')) AS authenticated;
SELECT * FROM forgotten;
SELECT * FROM owners_view;
-- What is behind a view is not for an untrusted transaction.
SET LOCAL tenant_guard.profile = 'untrusted';
SELECT * FROM tenant_guard.explain_access('SELECT * FROM owners_view');
ROLLBACK;
\c - :super

SET client_min_messages = error;
DROP DOMAIN checked;
DROP TABLE orders, forgotten, opened, countries CASCADE;
DROP FUNCTION explain, in_planning, definer;
DELETE FROM tenant_guard.vouchers;
DELETE FROM tenant_guard.guarded_roles;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app, regress_tg_owner, regress_tg_bypass;
DROP ROLE regress_tg_app, regress_tg_owner, regress_tg_bypass;
