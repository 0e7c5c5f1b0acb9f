-- What migrations do after a table was made: whatever the statement, a table with a tenant column is protected when it
-- ends, or the statement fails; and the trigger adds neither locks nor more than it has to.
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
CREATE SCHEMA saas AUTHORIZATION regress_tg_owner;
CREATE SCHEMA saas_two AUTHORIZATION regress_tg_owner;
GRANT USAGE ON SCHEMA saas, saas_two TO regress_tg_app;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_tg_owner GRANT ALL ON TABLES TO regress_tg_app;
CREATE FUNCTION states(pattern text) RETURNS TABLE (relation text, state text) LANGUAGE sql SECURITY DEFINER AS $$
  SELECT c.oid::regclass::text,
         concat_ws(', ', coalesce(r.status, 'unprotected'), 'by ' || r.tenant_column,
                   CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN 'enforced' END,
                   CASE WHEN r.status = 'protected' AND NOT tenant_guard.has_isolation_policy(c.oid, r.tenant_column)
                        THEN 'without its policy' END)
    FROM pg_class c LEFT JOIN tenant_guard.relations r ON r.relation = c.oid
   WHERE c.relnamespace IN ('saas'::regnamespace, 'saas_two'::regnamespace) AND c.relkind IN ('r', 'p', 'm', 'f')
     AND c.relname ~ pattern
   ORDER BY c.relname COLLATE "C" $$;
SET SESSION AUTHORIZATION regress_tg_owner;

--
-- Several statements in one message, and one transaction with many
--
CREATE TABLE saas.a1 (tenant_id uuid)\; CREATE TABLE saas.a2 (organisation uuid)\; ALTER TABLE saas.a2 RENAME organisation TO tenant_id\; SELECT count(*) FROM saas.a2;
SELECT * FROM states('^a');
-- One that fails takes all of its message along.
CREATE TABLE saas.a3 (tenant_id uuid)\; CREATE TABLE saas.a4 (tenant_id numeric)\; CREATE TABLE saas.a5 (tenant_id uuid);
SELECT * FROM states('^a[345]');
BEGIN;
CREATE TABLE saas.b1 (id int PRIMARY KEY, v text);
CREATE TABLE saas.b2 (id int REFERENCES saas.b1, tenant_id uuid);
ALTER TABLE saas.b1 ADD COLUMN tenant_id uuid, ADD COLUMN more text;
ALTER TABLE saas.b1 ADD CONSTRAINT b1_check CHECK (more <> '');
CREATE INDEX ON saas.b1 (tenant_id);
ALTER TABLE saas.b1 RENAME TO b1_renamed;
ALTER TABLE saas.b1_renamed SET SCHEMA saas_two;
ALTER TABLE saas.b2 ALTER COLUMN tenant_id SET NOT NULL;
SAVEPOINT s;
CREATE TABLE saas.b3 (tenant_id uuid);
DROP TABLE saas.b2;
ROLLBACK TO s;
SELECT * FROM states('^b');
COMMIT;
SELECT * FROM states('^b');
RESET SESSION AUTHORIZATION;
-- The name and the schema changed, the owner changes: the declaration follows, and the application is isolated.
CREATE ROLE regress_tg_heir;
ALTER TABLE saas_two.b1_renamed OWNER TO regress_tg_heir;
SELECT * FROM states('^b1');
INSERT INTO saas_two.b1_renamed VALUES (1, 'acme', :'acme', 'x'), (2, 'globex', :'globex', 'x');
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM saas_two.b1_renamed;
COMMIT;
RESET SESSION AUTHORIZATION;

--
-- What an administrator unprotected stays so under DDL about something else
--
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.a1');
SET SESSION AUTHORIZATION regress_tg_owner;
ALTER TABLE saas.a1 ADD COLUMN v text;
ALTER TABLE saas.a1 RENAME COLUMN v TO w;
ALTER TABLE saas.a1 RENAME TO a1_renamed;
ALTER TABLE saas.a1_renamed SET SCHEMA saas_two;
SELECT * FROM states('^a1');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT count(*) FROM saas_two.a1_renamed;
ROLLBACK;
RESET SESSION AUTHORIZATION;

--
-- A column that comes with the type of a typed table
--
SET SESSION AUTHORIZATION regress_tg_owner;
CREATE TYPE saas.shape AS (v text);
CREATE TABLE saas.typed OF saas.shape;
CREATE TYPE saas.other_shape AS (organisation uuid, v text);
CREATE TABLE saas.typed_other OF saas.other_shape;
SELECT * FROM states('^typed');
ALTER TYPE saas.shape ADD ATTRIBUTE tenant_id uuid CASCADE;
ALTER TYPE saas.other_shape RENAME ATTRIBUTE organisation TO tenant_id CASCADE;
SELECT * FROM states('^typed');
-- A type that is no table's.
CREATE TYPE saas.colour AS ENUM ('red');
ALTER TYPE saas.colour ADD VALUE 'blue';

--
-- What would take the tenant column away, from wherever it comes
--
CREATE TABLE saas.plain (tenant_id uuid, v text);
ALTER TABLE saas.plain RENAME COLUMN tenant_id TO organisation;
ALTER TABLE saas.plain DROP COLUMN tenant_id;
ALTER TABLE saas.plain DROP COLUMN tenant_id CASCADE;
ALTER TABLE saas.plain ALTER COLUMN tenant_id TYPE text;
ALTER TYPE saas.shape RENAME ATTRIBUTE tenant_id TO organisation CASCADE;
ALTER TYPE saas.shape DROP ATTRIBUTE tenant_id CASCADE;
CREATE DOMAIN saas.tenant AS uuid;
CREATE TABLE saas.of_domain (tenant_id saas.tenant);
DROP DOMAIN saas.tenant CASCADE;
CREATE TABLE saas.parent (organisation uuid, v text);
CREATE TABLE saas.child (more int) INHERITS (saas.parent);
RESET SESSION AUTHORIZATION;
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.child', 'organisation');
SET SESSION AUTHORIZATION regress_tg_owner;
ALTER TABLE saas.parent RENAME COLUMN organisation TO company;
ALTER TABLE saas.parent DROP COLUMN organisation;
ALTER TABLE saas.parent DROP COLUMN organisation CASCADE;
SELECT * FROM states('^(plain|typed|of_domain|child)');
-- Positive control: other columns, and tables that go as a whole.
ALTER TABLE saas.parent RENAME COLUMN v TO w;
ALTER TABLE saas.parent DROP COLUMN w;
ALTER TYPE saas.shape DROP ATTRIBUTE v CASCADE;
DROP TABLE saas.of_domain;
DROP DOMAIN saas.tenant;
DROP TABLE saas.parent CASCADE;
DROP TYPE saas.shape CASCADE;
SELECT * FROM states('^(typed|of_domain|child)');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM tenant_guard.relations r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.relation);
-- An administrator's way to another type: in one transaction, so that nothing is open in between.
BEGIN;
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.plain');
ALTER TABLE saas.plain ALTER COLUMN tenant_id TYPE text;
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.plain');
COMMIT;
SELECT * FROM states('^plain');

--
-- Partitions come and go
--
SET SESSION AUTHORIZATION regress_tg_owner;
CREATE TABLE saas.p (tenant_id uuid, at int) PARTITION BY RANGE (at);
CREATE TABLE saas.p_1 PARTITION OF saas.p FOR VALUES FROM (0) TO (10);
CREATE TABLE saas.p_2 PARTITION OF saas.p FOR VALUES FROM (10) TO (20);
ALTER TABLE saas.p DETACH PARTITION saas.p_1 CONCURRENTLY;
SELECT * FROM states('^p_|^p$');
ALTER TABLE saas.p_1 ADD COLUMN extra int;
ALTER TABLE saas.p ADD COLUMN extra int;
ALTER TABLE saas.p ATTACH PARTITION saas.p_1 FOR VALUES FROM (0) TO (10);
SELECT * FROM states('^p_|^p$');

--
-- Copies of its form; and NO INHERIT
--
CREATE TABLE saas.c_like (LIKE saas.p);
CREATE TABLE saas.c_as AS TABLE saas.p WITH NO DATA;
SELECT * INTO saas.c_into FROM saas.p;
CREATE TABLE saas.c_child () INHERITS (saas.plain);
ALTER TABLE saas.c_child NO INHERIT saas.plain;
SELECT * FROM states('^c_');

--
-- Tools that copy DDL run it as a replica. The triggers fire all the same.
--
RESET SESSION AUTHORIZATION;
SET session_replication_role = replica;
CREATE TABLE saas.replicated (tenant_id uuid);
ALTER TABLE saas.replicated DROP COLUMN tenant_id CASCADE;
RESET session_replication_role;
SELECT * FROM states('^replicated');

--
-- Foreign tables cannot be protected, and are refused
--
CREATE EXTENSION postgres_fdw;
DO $$ BEGIN
  EXECUTE format('CREATE SERVER regress_tg_server FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
                 current_database(), split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'));
END $$;
CREATE USER MAPPING FOR PUBLIC SERVER regress_tg_server;
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_tg_server;
CREATE TABLE saas_two.f_imported (tenant_id uuid);
CREATE FOREIGN TABLE saas.f_one (tenant_id uuid) SERVER regress_tg_server;
IMPORT FOREIGN SCHEMA saas_two LIMIT TO (f_imported) FROM SERVER regress_tg_server INTO saas;
GRANT ALL ON saas.f_one, saas.f_imported TO regress_tg_app;
SELECT relation, status, reason FROM tenant_guard.protection WHERE relation::text ~ '^saas\.f_' ORDER BY relation::text;
SET SESSION AUTHORIZATION regress_tg_app;
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT count(*) FROM saas.f_one;
SELECT count(*) FROM saas.f_imported;
ROLLBACK;
\set ON_ERROR_ROLLBACK off
RESET SESSION AUTHORIZATION;
-- Nor can they be a part of what is protected: PostgreSQL does not check what is written to them through the parent. Where the
-- trigger did not see it come, the guard refuses the parent.
DO $$ BEGIN
  EXECUTE format('ALTER USER MAPPING FOR PUBLIC SERVER regress_tg_server OPTIONS (ADD user %L, ADD password_required ''false'')', current_user);
END $$;
CREATE TABLE saas_two.f_far (org uuid, at int);
CREATE TABLE saas.f_tree (org uuid, at int) PARTITION BY RANGE (at);
CREATE TABLE saas.f_branch (org uuid, at int) PARTITION BY RANGE (at);
CREATE FOREIGN TABLE saas.f_far PARTITION OF saas.f_branch FOR VALUES FROM (10) TO (20)
  SERVER regress_tg_server OPTIONS (schema_name 'saas_two', table_name 'f_far');
CREATE FOREIGN TABLE saas.f_apart (org uuid, at int) SERVER regress_tg_server;
CREATE TABLE saas.f_base (org uuid, at int);
SELECT tenant_guard.protect('saas.f_branch', 'org');
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.f_tree', 'org');
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.f_base', 'org');
SET tenant_guard.auto_protect = off;
CREATE FOREIGN TABLE saas.f_new PARTITION OF saas.f_tree FOR VALUES FROM (0) TO (10) SERVER regress_tg_server;
CREATE FOREIGN TABLE saas.f_new () INHERITS (saas.f_base) SERVER regress_tg_server;
ALTER TABLE saas.f_tree ATTACH PARTITION saas.f_apart FOR VALUES FROM (0) TO (10);
RESET tenant_guard.auto_protect;
ALTER TABLE saas.f_tree ATTACH PARTITION saas.f_branch FOR VALUES FROM (10) TO (20);
ALTER FOREIGN TABLE saas.f_apart INHERIT saas.f_base;
-- Controls: by themselves they may be, and other partitions may come.
CREATE TABLE saas.f_near PARTITION OF saas.f_tree FOR VALUES FROM (0) TO (10);
ALTER FOREIGN TABLE saas.f_apart ADD COLUMN v int;
SELECT relation, status FROM tenant_guard.protection WHERE relation::text ~ '^saas.f_' ORDER BY relation::text;
ALTER EVENT TRIGGER tenant_guard_protect_new_relations DISABLE;
ALTER TABLE saas.f_branch DETACH PARTITION saas.f_far;
ALTER TABLE saas.f_tree ATTACH PARTITION saas.f_far FOR VALUES FROM (10) TO (20);
ALTER EVENT TRIGGER tenant_guard_protect_new_relations ENABLE ALWAYS;
GRANT ALL ON saas.f_tree TO regress_tg_app;
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO saas.f_tree VALUES (:'globex', 14);
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT check_id, object, remedy FROM tenant_guard.audit_relations() WHERE object ~ '^saas.f_far';
ALTER TABLE saas.f_tree DETACH PARTITION saas.f_far;
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO saas.f_tree VALUES (:'acme', 4);
INSERT INTO saas.f_tree VALUES (:'globex', 4);
ROLLBACK;
RESET SESSION AUTHORIZATION;
DROP EXTENSION postgres_fdw CASCADE;

--
-- Many tables, with a commit in between
--
SET tenant_guard.auto_protect = off;
CREATE TABLE saas.n1 (tenant_id uuid);
CREATE TABLE saas.n2 (tenant_id numeric);
CREATE TABLE saas.n3 (tenant_id uuid) PARTITION BY HASH (tenant_id);
CREATE TABLE saas.n3_0 PARTITION OF saas.n3 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE saas.n4 (tenant_id uuid);
RESET tenant_guard.auto_protect;
BEGIN;
CALL tenant_guard.protect_all_in_batches();
ROLLBACK;
CALL tenant_guard.protect_all_in_batches(0);
SELECT * FROM states('^n');
SET client_min_messages = notice;
CALL tenant_guard.protect_all_in_batches(2);
SELECT * FROM states('^n');
CALL tenant_guard.protect_all_in_batches();
SHOW search_path;
-- An administrator who is no superuser needs EXECUTE on the work as well, and brings no search_path of his own.
CREATE ROLE regress_tg_admin;
GRANT EXECUTE ON PROCEDURE tenant_guard.protect_all_in_batches(integer) TO regress_tg_admin;
SET SESSION AUTHORIZATION regress_tg_admin;
CALL tenant_guard.protect_all_in_batches();
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tenant_guard TO regress_tg_admin;
SET SESSION AUTHORIZATION regress_tg_admin;
CALL tenant_guard.protect_all_in_batches();
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP OWNED BY regress_tg_admin;
DROP ROLE regress_tg_admin;

--
-- Locks: with the trigger, the DDL holds on the tables of others what it holds without
--
CREATE VIEW held AS
  SELECT l.relation::regclass::text AS relation, l.mode
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
   WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
     AND c.relnamespace IN ('saas'::regnamespace, 'saas_two'::regnamespace);
CREATE TABLE locks_taken (statement text, with_trigger boolean, relation text, mode text);
-- What lies where the statements work: protected or not, as it was before.
SET tenant_guard.auto_protect = off;
CREATE TABLE saas.l_parent (tenant_id uuid, at int) PARTITION BY RANGE (at);
CREATE TABLE saas.l_sibling PARTITION OF saas.l_parent FOR VALUES FROM (90) TO (99);
CREATE TABLE saas.l_other (tenant_id uuid, at int);
CREATE TABLE saas.l_tree (tenant_id uuid, at int) PARTITION BY RANGE (at);
CREATE TABLE saas.l_tree_1 PARTITION OF saas.l_tree FOR VALUES FROM (20) TO (30);
CREATE TABLE saas.l_base (tenant_id uuid, v text);
CREATE TABLE saas.l_base_child () INHERITS (saas.l_base);
CREATE TABLE saas.l_heir (tenant_id uuid, v text);
CREATE TABLE saas.l_heir_above (tenant_id uuid, v text);
CREATE TABLE saas.l_heir_below () INHERITS (saas.l_heir_above);
CREATE TABLE saas.l_safe_above (tenant_id uuid, v text);
CREATE TABLE saas.l_safe_below () INHERITS (saas.l_safe_above);
CREATE TABLE saas.l_late (v text);
CREATE TABLE saas.l_late_child () INHERITS (saas.l_late);
CREATE TYPE saas.l_shape AS (v text);
CREATE TABLE saas.l_typed OF saas.l_shape;
CREATE TABLE saas.l_referenced (id int PRIMARY KEY, tenant_id uuid);
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.l_parent');
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.l_base');
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.l_safe_above');
RESET tenant_guard.auto_protect;
DO $$
DECLARE
  ddl text;
  setting text;
BEGIN
  FOREACH ddl IN ARRAY ARRAY[
      'CREATE TABLE saas.l_new (tenant_id uuid, n int REFERENCES saas.l_referenced)',
      'CREATE TABLE saas.l_copy AS SELECT * FROM saas.l_other',
      'CREATE TABLE saas.l_new (LIKE saas.l_other INCLUDING ALL)',
      'CREATE TABLE saas.l_part PARTITION OF saas.l_parent FOR VALUES FROM (0) TO (10)',
      'ALTER TABLE saas.l_parent ATTACH PARTITION saas.l_other FOR VALUES FROM (10) TO (20)',
      'ALTER TABLE saas.l_parent ATTACH PARTITION saas.l_tree FOR VALUES FROM (20) TO (30)',
      'ALTER TABLE saas.l_parent DETACH PARTITION saas.l_sibling',
      'CREATE TABLE saas.l_new () INHERITS (saas.l_base)',
      'ALTER TABLE saas.l_heir INHERIT saas.l_base',
      'ALTER TABLE saas.l_safe_above INHERIT saas.l_base',
      'ALTER TABLE saas.l_late ADD COLUMN tenant_id uuid',
      'ALTER TABLE saas.l_late RENAME COLUMN v TO tenant_id',
      'ALTER TYPE saas.l_shape ADD ATTRIBUTE tenant_id uuid CASCADE',
      'ALTER TABLE saas.l_other ADD COLUMN more int',
      'ALTER TABLE saas.l_other ALTER COLUMN at SET STATISTICS 10',
      'ALTER TABLE saas.l_other SET SCHEMA saas_two',
      'DROP TABLE saas.l_sibling'] LOOP
    FOREACH setting IN ARRAY ARRAY['on', 'off'] LOOP
      BEGIN
        PERFORM set_config('tenant_guard.auto_protect', setting, true);
        EXECUTE ddl;
        RAISE EXCEPTION 'undone' USING ERRCODE = 'TG000', DETAIL =
          (SELECT coalesce(string_agg(h.relation || '|' || h.mode, E'\n'), '') FROM held h);
      EXCEPTION WHEN SQLSTATE 'TG000' THEN
        DECLARE
          locks text;
        BEGIN
          GET STACKED DIAGNOSTICS locks = PG_EXCEPTION_DETAIL;
          INSERT INTO locks_taken
          SELECT ddl, setting = 'on', split_part(line, '|', 1), split_part(line, '|', 2)
            FROM string_to_table(locks, E'\n') AS line;
        END;
      END;
    END LOOP;
  END LOOP;
END
$$;
-- The locks that were only there with it.
SELECT statement, relation, mode FROM locks_taken WHERE with_trigger
EXCEPT SELECT statement, relation, mode FROM locks_taken WHERE NOT with_trigger;
-- Control: locks were seen.
SELECT count(DISTINCT statement) AS statements, count(*) > 30 AS locks FROM locks_taken;

-- INHERIT does not lock what is below the child. If that is not protected yet, it is refused, and nothing is locked behind
-- the owner's back; who locked it, or protected it before, is not.
ALTER TABLE saas.l_base OWNER TO regress_tg_owner;
ALTER TABLE saas.l_heir_above OWNER TO regress_tg_owner;
ALTER TABLE saas.l_heir_below OWNER TO regress_tg_owner;
GRANT SELECT ON held TO regress_tg_owner;
SET SESSION AUTHORIZATION regress_tg_owner;
\set VERBOSITY sqlstate
BEGIN;
ALTER TABLE saas.l_heir_above INHERIT saas.l_base;
ROLLBACK;
\set VERBOSITY default
BEGIN;
LOCK TABLE ONLY saas.l_heir_above IN ACCESS EXCLUSIVE MODE;
SELECT relation, mode FROM held ORDER BY relation;
ALTER TABLE saas.l_heir_above INHERIT saas.l_base;
ROLLBACK;
BEGIN;
LOCK TABLE saas.l_heir_above IN ACCESS EXCLUSIVE MODE;
ALTER TABLE saas.l_heir_above INHERIT saas.l_base;
SELECT relation, state FROM states('^l_heir');
ROLLBACK;
RESET SESSION AUTHORIZATION;
-- The same for restrictions by attribute, and for what is protected through a parent.
BEGIN;
SELECT count(*) > 0 AS done FROM tenant_guard.restrict_by_attribute('saas.l_base', 'v', 'region');
SAVEPOINT restricted;
ALTER TABLE saas.l_safe_above INHERIT saas.l_base;
ROLLBACK TO restricted;
LOCK TABLE saas.l_safe_above IN ACCESS EXCLUSIVE MODE;
ALTER TABLE saas.l_safe_above INHERIT saas.l_base;
SELECT relation, column_name, attribute FROM tenant_guard.attribute_restrictions ORDER BY relation::text;
ROLLBACK;
CREATE TABLE saas.l_derived (ref int REFERENCES saas.l_referenced);
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.l_referenced');
SELECT count(*) > 0 AS done FROM tenant_guard.protect_via('saas.l_derived', 'saas.l_referenced');
CREATE TABLE saas.l_item_above (ref int CONSTRAINT l_derived_ref_fkey REFERENCES saas.l_referenced);
CREATE TABLE saas.l_item_below (CONSTRAINT l_derived_ref_fkey FOREIGN KEY (ref) REFERENCES saas.l_referenced)
  INHERITS (saas.l_item_above);
ALTER TABLE saas.l_item_above INHERIT saas.l_derived;
BEGIN;
LOCK TABLE saas.l_item_above IN ACCESS EXCLUSIVE MODE;
ALTER TABLE saas.l_item_above INHERIT saas.l_derived;
SELECT relation, status, parent FROM tenant_guard.relations WHERE relation::text LIKE 'saas.l_item%' ORDER BY relation::text;
ROLLBACK;

-- ATTACH is about what it attaches, by whatever name and path, and what is below that: a sibling that was left open is neither
-- locked nor changed, and is found by audit().
SET tenant_guard.auto_protect = off;
CREATE TABLE saas.l_open PARTITION OF saas.l_parent FOR VALUES FROM (50) TO (60);
CREATE TABLE saas."l Joined" (at int, tenant_id uuid) PARTITION BY LIST (at);
CREATE TABLE saas_two."l Joined" PARTITION OF saas."l Joined" FOR VALUES IN (61);
RESET tenant_guard.auto_protect;
BEGIN;
SET LOCAL search_path = saas;
ALTER TABLE l_parent ATTACH PARTITION "l Joined" FOR VALUES FROM (60) TO (70);
RESET search_path;
SELECT relation, mode FROM held WHERE relation = 'saas.l_open' AND mode <> 'AccessShareLock';
COMMIT;
SELECT * FROM states('^l( Joined|_open)');
SELECT check_id FROM tenant_guard.audit_relations() WHERE object = 'saas.l_open';

DROP VIEW held;
DROP TABLE locks_taken;
DROP SCHEMA saas, saas_two CASCADE;
SELECT count(*) AS left_behind FROM tenant_guard.relations;
DROP FUNCTION states(text);
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_owner;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app, regress_tg_owner, regress_tg_heir;
