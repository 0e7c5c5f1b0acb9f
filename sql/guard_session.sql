-- Session hygiene: a connection goes back to the pool as it came. Whatever would outlive the
-- transaction is refused, with what to use instead; and what an earlier user left is not taken over.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
SELECT current_setting('work_mem') AS initial \gset
CREATE ROLE regress_tg_app;
CREATE ROLE regress_tg_other;
GRANT regress_tg_other TO regress_tg_app;
CREATE TABLE orders (tenant_id uuid NOT NULL, v text);
INSERT INTO orders VALUES (:'acme', 'acme'), (:'globex', 'globex');
GRANT SELECT, INSERT ON orders TO regress_tg_app, regress_tg_other;
CREATE FUNCTION set_quietly(name text, value text, is_local boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN PERFORM set_config(name, value, is_local); END $$;

SET SESSION AUTHORIZATION regress_tg_app;
\set ON_ERROR_ROLLBACK on

--
-- Settings for the session
--
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SET search_path = pg_temp, public;
SET work_mem = '1MB';
SET SESSION work_mem = '1MB';
\set VERBOSITY sqlstate
SET statement_timeout = 1;
SET role = 'regress_tg_other';
SET ROLE regress_tg_other;
SET LOCAL ROLE regress_tg_other;
RESET ROLE;
SET SESSION AUTHORIZATION regress_tg_other;
SET LOCAL SESSION AUTHORIZATION regress_tg_other;
RESET SESSION AUTHORIZATION;
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
SET default_transaction_read_only = on;
SET standard_conforming_strings = off;
SET client_min_messages = debug5;
SET debug_print_parse = on;
SET app.tenant = 'acme';
SET row_security = off;
SET work_mem FROM CURRENT;
SET enable_seqscan = off;
SET jit = off;
\set VERBOSITY default
-- Allowed: for the transaction, and what drivers set when they connect.
SET LOCAL work_mem = '1MB';
SET LOCAL search_path = public;
SET LOCAL statement_timeout = '1min';
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET client_encoding = 'UTF8';
SET NAMES 'UTF8';
SET TIME ZONE 'UTC';
SET DateStyle = 'ISO';
SET application_name = 'app';
SET extra_float_digits = 3;
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'hex';
SET client_min_messages = warning;
SET standard_conforming_strings = on;
RESET work_mem;
SET work_mem TO DEFAULT;
COMMIT;
SELECT current_setting('work_mem') = :'initial' AS unchanged;
RESET ALL;

-- The same through functions, which no hook sees the arguments of: noticed before the commit.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT set_config('search_path', 'pg_temp, public', false);
COMMIT;
SHOW search_path;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT set_quietly('app.tenant', 'acme', false);
INSERT INTO orders (v) VALUES ('is rolled back');
COMMIT;
SELECT current_setting('app.tenant', true);
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT set_config('work_mem', '1MB', false);
SELECT set_config('work_mem', '2MB', true);
COMMIT;
SELECT current_setting('work_mem') = :'initial' AS unchanged;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SAVEPOINT s;
SELECT set_config('work_mem', '1MB', false);
RELEASE s;
COMMIT;
SELECT current_setting('work_mem') = :'initial' AS unchanged;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT set_config('role', 'regress_tg_other', false);
COMMIT;
SELECT current_user;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT set_config('role', 'regress_tg_other', true);
SELECT v FROM orders;
COMMIT;
SELECT current_user;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
DO $$ BEGIN PERFORM set_config('work_mem', '1MB', false); COMMIT; END $$;
ROLLBACK;
SELECT current_setting('work_mem') = :'initial' AS unchanged;
-- Allowed: for the transaction, rolled back, or what drivers set.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT set_config('work_mem', '1MB', true);
SELECT set_config('application_name', 'app', false);
SELECT set_config('TimeZone', 'UTC', false);
COMMIT;
SELECT current_setting('work_mem') = :'initial' AS unchanged;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SAVEPOINT s;
SELECT set_config('work_mem', '1MB', false);
ROLLBACK TO s;
COMMIT;
SELECT current_setting('work_mem') = :'initial' AS unchanged;
RESET ALL;

--
-- The seed of random() follows no transaction: the next user's random() would be known
--
SELECT setseed(0.5);
SELECT random() AS predicted, random() AS predicted_next \gset
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT setseed(0.5);
SET LOCAL seed = 0.5;
SET seed = 0.5;
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT set_config('seed', '0.5', true);
COMMIT;
SELECT random() = :predicted AS predictable;
-- Without the guard it is as ever.
SELECT setseed(0.5);
SELECT random() = :predicted AS predictable;
-- Who sees some values knows the next ones, which are somebody else's.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT random() = :predicted_next AS predictable;
COMMIT;
SELECT setseed(0.5);
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT random() = :predicted AS predictable;
COMMIT;
SELECT random() = :predicted_next AS predictable;

--
-- Objects that stay on the connection
--
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
CREATE TEMPORARY TABLE orders (v text);
CREATE TEMPORARY TABLE kept AS SELECT v FROM orders;
DECLARE held CURSOR WITH HOLD FOR SELECT v FROM orders;
PREPARE p AS SELECT v FROM orders;
LISTEN regress_tg_channel;
SELECT pg_advisory_lock(1);
\set VERBOSITY sqlstate
CREATE TEMPORARY TABLE kept (v text) ON COMMIT PRESERVE ROWS;
CREATE TEMPORARY TABLE kept (v text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE kept ON COMMIT DELETE ROWS AS SELECT v FROM orders;
CREATE TABLE pg_temp.kept (v text);
SELECT v INTO TEMPORARY kept FROM orders;
CREATE TEMPORARY VIEW kept AS SELECT v FROM orders;
CREATE TEMPORARY SEQUENCE kept;
CREATE FUNCTION pg_temp.kept() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE pg_temp.kept AS (v text);
CREATE DOMAIN pg_temp.kept AS text;
CREATE OPERATOR pg_temp.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_ne);
DEALLOCATE p;
DEALLOCATE ALL;
DO $$ BEGIN EXECUTE 'PREPARE p AS SELECT 1'; END $$;
DO $$ BEGIN EXECUTE 'CREATE TEMPORARY TABLE kept (v text)'; END $$;
DO $$ BEGIN EXECUTE 'LISTEN regress_tg_channel'; END $$;
SELECT pg_try_advisory_lock(1);
\set VERBOSITY default
-- Allowed: what ends with the transaction.
CREATE TEMPORARY TABLE own ON COMMIT DROP AS SELECT v FROM orders;
CREATE INDEX ON own (v);
ALTER TABLE own ADD COLUMN n int DEFAULT 1;
INSERT INTO own VALUES ('more');
SELECT * FROM own ORDER BY v;
DECLARE c CURSOR FOR SELECT v FROM orders;
FETCH c;
CLOSE c;
SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock(2);
COMMIT;
SELECT count(*) AS left_behind FROM pg_class WHERE relnamespace = pg_my_temp_schema();
SELECT count(*) AS left_behind FROM pg_cursors WHERE is_holdable;
SELECT count(*) AS left_behind FROM pg_prepared_statements;
SELECT count(*) AS left_behind FROM pg_listening_channels();
SELECT count(*) AS left_behind FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
-- A temporary table of this transaction, altered so that it stays.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
CREATE TEMPORARY TABLE own (v text) ON COMMIT DROP;
\set VERBOSITY sqlstate
ALTER TABLE own SET SCHEMA public;
CREATE TRIGGER t BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
\set VERBOSITY default
ROLLBACK;
-- Statistics, sequences and plans may be discarded; DISCARD ALL is how poolers reset.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
DISCARD SEQUENCES;
ROLLBACK;
DISCARD ALL;
\c -

--
-- What an earlier user left
--
-- Each trap in turn: found by authenticate(), and gone after DISCARD ALL.
GRANT TEMPORARY ON DATABASE :"DBNAME" TO regress_tg_app;
SET ROLE regress_tg_app;
\set ON_ERROR_ROLLBACK off
CREATE TEMPORARY TABLE orders (v text);
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
DROP TABLE pg_temp.orders;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs') IS NOT NULL AS accepted;
ROLLBACK;
CREATE TEMPORARY VIEW orders AS SELECT 'trap'::text AS v;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
DROP VIEW pg_temp.orders;
CREATE FUNCTION pg_temp.trap() RETURNS int LANGUAGE sql AS 'SELECT 1';
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
DROP FUNCTION pg_temp.trap();
CREATE TYPE pg_temp.trap AS (v text);
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
DROP TYPE pg_temp.trap;
CREATE TEMPORARY SEQUENCE trap;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
DROP SEQUENCE trap;
PREPARE trap AS SELECT 1;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
DEALLOCATE trap;
BEGIN;
DECLARE trap CURSOR WITH HOLD FOR SELECT 1;
COMMIT;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
CLOSE trap;
SET search_path = pg_temp, public;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
BEGIN;
SET LOCAL search_path = public;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
RESET search_path;
SELECT set_config('search_path', 'pg_temp, public', false);
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
RESET search_path;
-- The same by SET LOCAL tenant_guard.token.
PREPARE trap AS SELECT 1;
BEGIN;
SET LOCAL tenant_guard.token = :'a_hs';
ROLLBACK;
-- Everything at once, and DISCARD ALL takes it away.
CREATE TEMPORARY TABLE orders (v text);
SET search_path = pg_temp, public;
RESET ROLE;
DISCARD ALL;
SET ROLE regress_tg_app;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs') IS NOT NULL AS accepted;
SELECT v FROM orders;
ROLLBACK;
-- Allowed: what this transaction made itself, and SET LOCAL.
BEGIN;
CREATE TEMPORARY TABLE own (v text) ON COMMIT DROP;
SET LOCAL search_path = public;
DECLARE c CURSOR FOR SELECT 1;
SELECT tenant_guard.authenticate(:'a_hs') IS NOT NULL AS accepted;
INSERT INTO own SELECT v FROM orders;
SELECT * FROM own;
ROLLBACK;

RESET ROLE;

-- tenant_guard.session_state = reset: cleaned instead of refused.
SET tenant_guard.session_state = 'reset';
CREATE TEMPORARY TABLE orders (v text);
CREATE FUNCTION pg_temp.trap() RETURNS int LANGUAGE sql AS 'SELECT 1';
PREPARE trap AS SELECT 1;
BEGIN;
DECLARE trap CURSOR WITH HOLD FOR SELECT 1;
COMMIT;
SET search_path = pg_temp, public;
GRANT SELECT ON pg_temp.orders TO regress_tg_app;
SET ROLE regress_tg_app;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs') IS NOT NULL AS accepted;
SELECT v FROM orders;
SHOW search_path;
COMMIT;
SELECT v FROM orders;
SHOW search_path;
SELECT count(*) AS prepared FROM pg_prepared_statements WHERE from_sql;
SELECT count(*) AS held FROM pg_cursors WHERE is_holdable;
SELECT count(*) AS temporary FROM pg_class WHERE relnamespace = pg_my_temp_schema();
SELECT count(*) AS temporary FROM pg_proc WHERE pronamespace = pg_my_temp_schema();
RESET ROLE;
-- Rolled back, it is as it was.
PREPARE trap AS SELECT 1;
SET search_path = pg_temp, public;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs') IS NOT NULL AS accepted;
ROLLBACK;
SHOW search_path;
\c -

-- Under "always", with no context: what is left is refused as well, and DISCARD ALL is allowed.
SELECT tenant_guard.guard_role('regress_tg_app');
SET SESSION AUTHORIZATION regress_tg_app;
\set VERBOSITY sqlstate
SET search_path = pg_temp, public;
SET work_mem = '1MB';
CREATE TEMPORARY TABLE orders (v text);
PREPARE trap AS SELECT 1;
LISTEN regress_tg_channel;
SELECT pg_advisory_lock(1);
DECLARE trap CURSOR WITH HOLD FOR SELECT 1;
SELECT set_config('search_path', 'pg_temp, public', false);
SELECT set_config('app.tenant', 'acme', false);
SET ROLE regress_tg_other;
ALTER ROLE regress_tg_app PASSWORD 'x';
ALTER ROLE regress_tg_app SET work_mem = '1MB';
DROP OWNED BY regress_tg_app;
\set VERBOSITY default
SHOW search_path;
SET application_name = 'app';
SET TIME ZONE 'UTC';
BEGIN;
SET LOCAL work_mem = '1MB';
SELECT tenant_guard.authenticate(:'a_hs') IS NOT NULL AS accepted;
SELECT v FROM orders;
COMMIT;
RESET ALL;
DISCARD TEMP;
DISCARD ALL;
\c -

DELETE FROM tenant_guard.guarded_roles;
DROP FUNCTION set_quietly;
DROP TABLE orders;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app, regress_tg_other;
