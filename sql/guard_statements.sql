-- Commands in a guarded transaction: an allow-list. What changes what other tenants use, reaches files
-- or other servers, or disturbs other sessions is refused; what an application needs is not.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app CREATEROLE;
CREATE ROLE regress_tg_other;
CREATE SCHEMA saas;
GRANT ALL ON SCHEMA saas TO regress_tg_app;
CREATE TABLE saas.orders (tenant_id uuid NOT NULL, id int, v text);
CREATE TABLE saas.of_app (tenant_id uuid NOT NULL, v text);
CREATE SEQUENCE saas.numbers;
INSERT INTO saas.orders VALUES (:'acme', 1, 'acme'), (:'globex', 2, 'globex');
GRANT ALL ON ALL TABLES IN SCHEMA saas TO regress_tg_app;
GRANT ALL ON ALL SEQUENCES IN SCHEMA saas TO regress_tg_app;
ALTER TABLE saas.of_app OWNER TO regress_tg_app;
CREATE PROCEDURE saas.commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
CREATE FUNCTION saas.harmless() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- Somebody's function that is only called like one that is refused.
CREATE FUNCTION saas.pg_cancel_backend(int) RETURNS boolean LANGUAGE sql AS 'SELECT true';

-- Each statement in a savepoint of its own, undone; one that cannot run in a function is noted as such.
CREATE FUNCTION outcomes(statements text[]) RETURNS TABLE (statement text, outcome text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH statement IN ARRAY statements LOOP
    BEGIN
      EXECUTE statement;
      RAISE EXCEPTION USING ERRCODE = 'UA000';
    EXCEPTION
      WHEN SQLSTATE 'UA000' THEN outcome := 'allowed';
      WHEN OTHERS THEN
        outcome := SQLSTATE || CASE WHEN SQLERRM ~ 'guarded transaction$' THEN ' by the guard' ELSE '' END;
    END;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE VIEW statements AS SELECT kind, array_agg(statement ORDER BY number) AS list FROM (VALUES
  -- DDL, also on what the role owns: the role is shared by all tenants.
  ('ddl', 1, $$CREATE TABLE saas.t (v text)$$),
  ('ddl', 2, $$CREATE TABLE saas.t (tenant_id uuid)$$),
  ('ddl', 3, $$CREATE UNLOGGED TABLE saas.t (v text)$$),
  ('ddl', 4, $$CREATE TABLE saas.t AS SELECT v FROM saas.orders$$),
  ('ddl', 5, $$SELECT v INTO saas.t FROM saas.orders$$),
  ('ddl', 6, $$CREATE MATERIALIZED VIEW saas.t AS SELECT v FROM saas.orders$$),
  ('ddl', 7, $$CREATE VIEW saas.t AS SELECT v FROM saas.orders$$),
  ('ddl', 8, $$CREATE OR REPLACE FUNCTION saas.harmless() RETURNS int LANGUAGE sql AS 'SELECT 2'$$),
  ('ddl', 9, $$CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 2'$$),
  ('ddl', 10, $$CREATE PROCEDURE saas.p() LANGUAGE sql AS 'SELECT 2'$$),
  ('ddl', 11, $$CREATE TYPE saas.t AS (v text)$$),
  ('ddl', 12, $$CREATE DOMAIN saas.t AS text$$),
  ('ddl', 13, $$CREATE SEQUENCE saas.t$$),
  ('ddl', 14, $$CREATE TEMPORARY SEQUENCE t$$),
  ('ddl', 15, $$CREATE SCHEMA t$$),
  ('ddl', 16, $$CREATE INDEX ON saas.of_app (v)$$),
  ('ddl', 17, $$CREATE TRIGGER t BEFORE INSERT ON saas.of_app FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$$),
  ('ddl', 18, $$CREATE RULE r AS ON INSERT TO saas.of_app DO ALSO SELECT 1$$),
  ('ddl', 19, $$CREATE POLICY p ON saas.of_app USING (true)$$),
  ('ddl', 20, $$CREATE OPERATOR saas.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)$$),
  ('ddl', 21, $$CREATE AGGREGATE saas.a (int) (SFUNC = int4pl, STYPE = int)$$),
  ('ddl', 22, $$CREATE CAST (text AS int) WITH INOUT$$),
  ('ddl', 23, $$CREATE COLLATION saas.c (locale = 'C')$$),
  ('ddl', 24, $$CREATE STATISTICS saas.s ON v, tenant_id FROM saas.of_app$$),
  ('ddl', 25, $$CREATE EXTENSION hstore$$),
  ('ddl', 26, $$CREATE SERVER s FOREIGN DATA WRAPPER w$$),
  ('ddl', 27, $$CREATE PUBLICATION p$$),
  ('ddl', 28, $$CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f()$$),
  ('ddl', 29, $$ALTER TABLE saas.of_app ADD COLUMN x int$$),
  ('ddl', 30, $$ALTER TABLE saas.of_app DISABLE TRIGGER ALL$$),
  ('ddl', 31, $$ALTER TABLE saas.of_app RENAME TO x$$),
  ('ddl', 32, $$ALTER TABLE saas.of_app OWNER TO CURRENT_USER$$),
  ('ddl', 33, $$ALTER TABLE saas.of_app SET SCHEMA public$$),
  ('ddl', 34, $$ALTER FUNCTION saas.harmless() SECURITY DEFINER$$),
  ('ddl', 35, $$ALTER SEQUENCE saas.numbers RESTART$$),
  ('ddl', 36, $$DROP TABLE saas.of_app$$),
  ('ddl', 37, $$DROP TABLE saas.orders$$),
  ('ddl', 38, $$DROP FUNCTION saas.harmless()$$),
  ('ddl', 39, $$DROP SCHEMA saas CASCADE$$),
  ('ddl', 40, $$DROP EXTENSION tenant_guard CASCADE$$),
  ('ddl', 41, $$DROP OWNED BY CURRENT_USER$$),
  ('ddl', 42, $$DROP POLICY tenant_guard_isolation ON saas.of_app$$),
  ('ddl', 43, $$COMMENT ON TABLE saas.of_app IS 'x'$$),
  ('ddl', 44, $$SECURITY LABEL ON TABLE saas.of_app IS 'x'$$),
  ('ddl', 45, $$REASSIGN OWNED BY CURRENT_USER TO CURRENT_USER$$),
  ('ddl', 46, $$IMPORT FOREIGN SCHEMA s FROM SERVER s INTO saas$$),
  ('ddl', 47, $$CREATE TABLE saas.t () INHERITS (saas.orders)$$),
  ('ddl', 48, $$CREATE TEMPORARY TABLE t (v text) INHERITS (saas.orders) ON COMMIT DROP$$),
  ('ddl', 49, $$CREATE TEMPORARY VIEW t AS SELECT v FROM saas.orders$$),
  -- Roles and rights.
  ('rights', 1, $$GRANT SELECT ON saas.of_app TO PUBLIC$$),
  ('rights', 2, $$REVOKE SELECT ON saas.of_app FROM CURRENT_USER$$),
  ('rights', 3, $$GRANT regress_tg_other TO CURRENT_USER$$),
  ('rights', 4, $$ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC$$),
  ('rights', 5, $$CREATE ROLE regress_tg_new$$),
  ('rights', 6, $$ALTER ROLE CURRENT_USER PASSWORD 'x'$$),
  ('rights', 7, $$ALTER ROLE CURRENT_USER SET work_mem = '1MB'$$),
  ('rights', 8, $$ALTER ROLE CURRENT_USER RESET ALL$$),
  ('rights', 9, $$ALTER ROLE regress_tg_other LOGIN$$),
  ('rights', 10, $$DROP ROLE regress_tg_other$$),
  ('rights', 11, $$ALTER ROLE regress_tg_app RENAME TO regress_tg_x$$),
  -- Maintenance and the server.
  ('server', 1, $$ANALYZE saas.of_app$$),
  ('server', 2, $$REINDEX TABLE saas.of_app$$),
  ('server', 3, $$CLUSTER saas.of_app$$),
  ('server', 4, $$CHECKPOINT$$),
  ('server', 5, $$LOAD 'plpgsql'$$),
  ('server', 6, $$COPY saas.orders TO '/tmp/regress_tg_stolen'$$),
  ('server', 7, $$COPY saas.orders FROM '/dev/null'$$),
  ('server', 8, $$COPY saas.orders TO PROGRAM 'cat'$$),
  ('server', 9, $$COPY (SELECT 1) TO '/tmp/regress_tg_stolen'$$),
  ('server', 10, $$TRUNCATE saas.orders$$),
  ('server', 11, $$TRUNCATE saas.of_app$$),
  ('server', 12, $$LOCK TABLE saas.orders IN SHARE MODE$$),
  ('server', 13, $$REFRESH MATERIALIZED VIEW saas.orders$$),
  ('server', 14, $$EXPLAIN ANALYZE SELECT v FROM saas.orders$$),
  ('server', 15, $$EXPLAIN (ANALYZE true, COSTS off) SELECT 1$$),
  ('server', 16, $$EXPLAIN (COSTS off, ANALYZE) SELECT 1$$),
  -- Functions that show or disturb others, read files, or reach other servers.
  ('function', 1, $$SELECT pg_catalog.pg_cancel_backend(0)$$),
  ('function', 2, $$SELECT pg_terminate_backend(0)$$),
  ('function', 3, $$SELECT pg_stat_get_activity(NULL)$$),
  ('function', 4, $$SELECT pg_stat_get_backend_activity(1)$$),
  ('function', 5, $$SELECT pg_lock_status()$$),
  ('function', 6, $$SELECT pg_blocking_pids(1)$$),
  ('function', 7, $$SELECT pg_stat_get_tuples_inserted('saas.orders'::regclass)$$),
  ('function', 8, $$SELECT pg_stat_get_xact_tuples_returned('saas.orders'::regclass)$$),
  ('function', 9, $$SELECT pg_stat_get_live_tuples('saas.orders'::regclass)$$),
  ('function', 10, $$SELECT pg_stat_get_db_tuples_returned(oid) FROM pg_database$$),
  ('function', 11, $$SELECT pg_relation_size('saas.orders')$$),
  ('function', 12, $$SELECT pg_table_size('saas.orders'), pg_indexes_size('saas.orders')$$),
  ('function', 13, $$SELECT pg_database_size(current_database())$$),
  ('function', 14, $$SELECT pg_current_wal_lsn()$$),
  ('function', 15, $$SELECT pg_xact_status('3')$$),
  ('function', 16, $$SELECT pg_read_file('postgresql.conf')$$),
  ('function', 17, $$SELECT pg_ls_dir('.')$$),
  ('function', 18, $$SELECT pg_stat_file('postgresql.conf')$$),
  ('function', 19, $$SELECT pg_relation_filepath('saas.orders')$$),
  ('function', 20, $$SELECT lo_create(0)$$),
  ('function', 21, $$SELECT lo_from_bytea(0, '\x00')$$),
  ('function', 22, $$SELECT lo_get(1)$$),
  ('function', 23, $$SELECT lo_unlink(1)$$),
  ('function', 24, $$SELECT lo_export(1, '/tmp/regress_tg_stolen')$$),
  ('function', 25, $$SELECT setval('saas.numbers', 1)$$),
  ('function', 26, $$SELECT pg_sequence_last_value('saas.numbers')$$),
  ('function', 27, $$SELECT pg_export_snapshot()$$),
  ('function', 28, $$SELECT pg_logical_emit_message(true, 'a', 'b')$$),
  ('function', 29, $$SELECT pg_reload_conf()$$),
  ('function', 30, $$SELECT pg_prepared_statement()$$),
  ('function', 31, $$SELECT pg_prepared_xact()$$),
  ('function', 32, $$SELECT pg_get_backend_memory_contexts()$$),
  ('function', 33, $$SELECT pg_notification_queue_usage()$$),
  ('function', 34, $$SELECT pg_show_all_file_settings()$$),
  ('function', 35, $$SELECT pg_advisory_lock(1)$$),
  ('function', 36, $$SELECT pg_try_advisory_lock(1, 2)$$),
  ('function', 37, $$SELECT pg_advisory_lock_shared(1)$$),
  ('function', 38, $$SELECT pg_try_advisory_lock_shared(1)$$),
  ('function', 39, $$SELECT (SELECT pg_terminate_backend(0) WHERE false)$$),
  ('function', 40, $$SELECT v FROM saas.orders WHERE pg_terminate_backend(id)$$),
  ('function', 41, $$DO 'BEGIN PERFORM pg_terminate_backend(0); END'$$),
  ('function', 42, $$SELECT query_to_xml('SELECT pg_terminate_backend(0)', false, true, '')$$),
  -- What applications do.
  ('allowed', 1, $$SELECT v FROM saas.orders$$),
  ('allowed', 2, $$INSERT INTO saas.orders (id, v) VALUES (3, 'x')$$),
  ('allowed', 3, $$UPDATE saas.orders SET v = 'x'$$),
  ('allowed', 4, $$DELETE FROM saas.orders$$),
  ('allowed', 5, $$SET LOCAL work_mem = '1MB'$$),
  ('allowed', 6, $$SET LOCAL search_path = saas$$),
  ('allowed', 7, $$SET LOCAL statement_timeout = '1min'$$),
  ('allowed', 8, $$SET TRANSACTION READ ONLY$$),
  ('allowed', 9, $$SET CONSTRAINTS ALL DEFERRED$$),
  ('allowed', 10, $$SHOW work_mem$$),
  ('allowed', 11, $$EXPLAIN SELECT v FROM saas.orders$$),
  ('allowed', 12, $$EXPLAIN (ANALYZE false) SELECT v FROM saas.orders$$),
  ('allowed', 13, $$CREATE TEMPORARY TABLE t ON COMMIT DROP AS SELECT v FROM saas.orders$$),
  ('allowed', 14, $$CREATE TEMPORARY TABLE t (id serial PRIMARY KEY, v text UNIQUE) ON COMMIT DROP$$),
  ('allowed', 15, $$DECLARE c CURSOR FOR SELECT v FROM saas.orders$$),
  ('allowed', 16, $$LOCK TABLE saas.orders IN ROW SHARE MODE$$),
  ('allowed', 17, $$NOTIFY regress_tg_channel$$),
  ('allowed', 18, $$UNLISTEN *$$),
  ('allowed', 19, $$SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock(1, 2), pg_advisory_unlock_all()$$),
  ('allowed', 20, $$SELECT nextval('saas.numbers')$$),
  ('allowed', 21, $$SELECT saas.pg_cancel_backend(0)$$),
  ('allowed', 22, $$SELECT saas.harmless(), now(), gen_random_uuid(), version(), pg_backend_pid(), pg_sleep(0)$$),
  ('allowed', 23, $$SELECT has_table_privilege('saas.orders', 'SELECT'), pg_get_viewdef('pg_views'::regclass) <> ''$$),
  ('allowed', 24, $$SELECT count(*) FROM pg_class, pg_namespace, pg_attribute WHERE false$$),
  ('allowed', 25, $$SELECT count(*) FROM information_schema.columns$$),
  ('allowed', 26, $$SELECT current_setting('server_version'), set_config('work_mem', '1MB', true)$$),
  ('allowed', 27, $$SELECT name FROM pg_cursors$$),
  ('allowed', 28, $$SELECT name, setting FROM pg_settings WHERE name = 'work_mem'$$),
  ('allowed', 29, $$DO 'BEGIN PERFORM 1; END'$$),
  ('allowed', 30, $$SELECT txid_current(), pg_current_xact_id_if_assigned(), pg_is_in_recovery()$$)
  ) AS s (kind, number, statement) GROUP BY kind;
SELECT list AS ddl FROM statements WHERE kind = 'ddl' \gset
SELECT list AS rights FROM statements WHERE kind = 'rights' \gset
SELECT list AS server FROM statements WHERE kind = 'server' \gset
SELECT list AS function FROM statements WHERE kind = 'function' \gset
SELECT list AS allowed FROM statements WHERE kind = 'allowed' \gset
DROP VIEW statements;

SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM outcomes(:'ddl');
SELECT * FROM outcomes(:'rights');
SELECT * FROM outcomes(:'server');
SELECT * FROM outcomes(:'function');
SELECT * FROM outcomes(:'allowed');
COMMIT;
SET client_min_messages = error;
-- Without a context the same role may do what its rights allow.
SELECT * FROM outcomes(:'ddl') WHERE outcome ~ 'guard';
SELECT * FROM outcomes(:'function') WHERE outcome ~ 'guard';
RESET client_min_messages;
RESET SESSION AUTHORIZATION;
-- Under "always" it may not, with a context or without.
SELECT tenant_guard.guard_role('regress_tg_app');
SET SESSION AUTHORIZATION regress_tg_app;
SELECT count(*) FILTER (WHERE outcome = 'allowed') AS allowed FROM outcomes(:'ddl');
SELECT count(*) FILTER (WHERE outcome = 'allowed') AS allowed FROM outcomes(:'rights');
SELECT count(*) FILTER (WHERE outcome = 'allowed') AS allowed FROM outcomes(:'server');
SELECT count(*) FILTER (WHERE outcome = 'allowed') AS allowed FROM outcomes(:'function');
\c -

-- Errors name the command, say why, and what to do instead.
SET SESSION AUTHORIZATION regress_tg_app;
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
TRUNCATE saas.orders;
CREATE TABLE saas.t (v text);
LOCK TABLE saas.orders;
EXPLAIN ANALYZE SELECT v FROM saas.orders;
ALTER ROLE regress_tg_app PASSWORD 'x';
DROP OWNED BY regress_tg_app;
COPY saas.orders TO '/tmp/regress_tg_stolen';
VACUUM saas.of_app;
SELECT pg_terminate_backend(0);
SELECT pg_advisory_lock(1);
SELECT lo_create(0);
-- CALL is allowed; what it does is checked, and it cannot end the transaction.
CALL saas.commits();
ROLLBACK;
\set ON_ERROR_ROLLBACK off
\c -

-- warn refuses nothing.
SET client_min_messages = error;
SELECT tenant_guard.guard_role('regress_tg_app', 'off');
BEGIN;
SET LOCAL tenant_guard.enforce = 'warn';
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM outcomes(:'function') WHERE outcome ~ 'guard';
SELECT * FROM outcomes('{TRUNCATE saas.of_app,CREATE TABLE saas.t (v text),ALTER TABLE saas.of_app ADD COLUMN x int}');
ROLLBACK;

DELETE FROM tenant_guard.guarded_roles;
DROP SCHEMA saas CASCADE;
DROP FUNCTION outcomes(text[]);
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app, regress_tg_other;
