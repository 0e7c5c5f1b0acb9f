-- tenant_guard.session_state = reset: what a guarded transaction would leave is let through, for applications that
-- cannot change, and undone at its end, whether that is a commit or a rollback.
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
GRANT regress_tg_other TO regress_tg_app;
GRANT TEMPORARY ON DATABASE :"DBNAME" TO regress_tg_app;
CREATE TABLE orders (tenant_id uuid NOT NULL, v text);
INSERT INTO orders VALUES (:'acme', 'acme'), (:'globex', 'globex');
GRANT SELECT ON orders TO regress_tg_app;
SELECT current_setting('work_mem') AS initial \gset
CREATE VIEW left_behind AS
  SELECT current_setting('search_path') AS search_path, current_setting('work_mem') AS work_mem,
         current_setting('default_transaction_read_only') AS read_only, current_setting('app.note', true) AS note,
         (SELECT count(*) FROM pg_prepared_statements WHERE from_sql) AS prepared,
         (SELECT count(*) FROM pg_cursors WHERE is_holdable) AS held,
         (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()) AS temporary,
         (SELECT count(*) FROM pg_listening_channels()) AS channels,
         (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks;
SELECT * FROM left_behind;
-- Everything that an application could leave, and what it then sees within its transaction.
CREATE FUNCTION leave() RETURNS TABLE (work_mem text, read_only text, note text, temporary bigint) LANGUAGE plpgsql AS $$
BEGIN
  SET search_path = pg_catalog, public;
  SET work_mem = '1MB';
  SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
  PERFORM set_config('app.note', 'kept', false);
  SET LOCAL work_mem = '2MB';
  CREATE TEMPORARY TABLE kept (v text UNIQUE);
  CREATE TEMPORARY TABLE copied AS SELECT orders.v FROM orders;
  CREATE TEMPORARY VIEW seen AS SELECT orders.v FROM orders;
  CREATE TEMPORARY SEQUENCE numbers;
  CREATE TEMPORARY TABLE gone (v text) ON COMMIT DROP;
  INSERT INTO kept SELECT seen.v FROM seen;
  EXECUTE 'PREPARE p AS SELECT v FROM kept';
  EXECUTE 'LISTEN regress_tg_channel';
  EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT v FROM kept';
  PERFORM pg_advisory_lock(1), pg_try_advisory_lock_shared(2);
  RETURN QUERY SELECT current_setting('work_mem'), current_setting('default_transaction_read_only'),
    current_setting('app.note'), (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema());
END $$;
SET tenant_guard.session_state = 'reset';
SET SESSION AUTHORIZATION regress_tg_app;

-- By COMMIT: all of it works, and nothing is left.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM leave();
EXECUTE p;
FETCH ALL FROM held;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT * FROM left_behind;
EXECUTE p;
FETCH held;
SET SESSION AUTHORIZATION regress_tg_app;
-- By ROLLBACK, which PREPARE and session locks outlive.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM leave();
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT * FROM left_behind;
SET SESSION AUTHORIZATION regress_tg_app;
-- By an error, and by one within a savepoint.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM leave();
SELECT 1 / 0;
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SAVEPOINT s;
SELECT * FROM leave();
ROLLBACK TO s;
SAVEPOINT t;
SET work_mem = '3MB';
RELEASE t;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT * FROM left_behind;
SET SESSION AUTHORIZATION regress_tg_app;
-- Under "always", without a transaction block and without a tenant: each statement is its own transaction.
RESET SESSION AUTHORIZATION;
SELECT tenant_guard.guard_role('regress_tg_app');
SET SESSION AUTHORIZATION regress_tg_app;
SET search_path = pg_temp, public;
SET work_mem = '1MB';
CREATE TEMPORARY TABLE orders (v text);
PREPARE p AS SELECT 1;
LISTEN regress_tg_channel;
SELECT pg_advisory_lock(1);
DECLARE held CURSOR WITH HOLD FOR SELECT 1;
SHOW search_path;
SELECT current_setting('work_mem') = :'initial' AS unchanged;
SELECT to_regclass('pg_temp.orders');
EXECUTE p;
FETCH held;
SELECT count(*) FROM pg_listening_channels();
SELECT pg_advisory_unlock(1);
-- Before the token as well as after it; and the next tenant's transaction finds nothing of it.
BEGIN;
CREATE TEMPORARY TABLE early (v text);
SET search_path = public;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO early SELECT v FROM orders;
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT v FROM orders;
SELECT * FROM early;
ROLLBACK;
-- What drivers set when they connect stays, and so does what RESET puts back.
SET application_name = 'app';
SET TIME ZONE 'Asia/Tokyo';
SHOW TimeZone;
SHOW application_name;
RESET TimeZone;
SELECT current_setting('TimeZone') <> 'Asia/Tokyo' AS reset;

-- Still refused: what decides who one is, what reaches others, and what the driver prepared.
\set VERBOSITY sqlstate
SET ROLE regress_tg_other;
SELECT set_config('role', 'regress_tg_other', false);
SET SESSION AUTHORIZATION regress_tg_other;
DEALLOCATE ALL;
CREATE TABLE kept (v text);
CREATE VIEW kept AS SELECT 1;
CREATE SEQUENCE kept;
CREATE FUNCTION pg_temp.kept() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER ROLE regress_tg_app SET work_mem = '1MB';
SET tenant_guard.session_state = 'refuse';
\set VERBOSITY default
SELECT current_user = session_user AS same;
\c -

-- The administrator's own session, which is not guarded, keeps what it makes.
SET tenant_guard.session_state = 'reset';
SET work_mem = '1MB';
PREPARE p AS SELECT 1;
CREATE TEMPORARY TABLE kept (v text);
SELECT work_mem, prepared, temporary FROM left_behind;
\c -
DELETE FROM tenant_guard.guarded_roles;
DROP VIEW left_behind;
DROP FUNCTION leave();
DROP TABLE orders;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app;
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM regress_tg_app;
DROP ROLE regress_tg_app, regress_tg_other;
