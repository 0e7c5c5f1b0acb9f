-- New tables with a tenant column are protected as they are made, by whatever statement: a table that
-- a migration forgot is a table that every tenant reads.
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
GRANT USAGE ON SCHEMA saas TO regress_tg_app;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_tg_owner GRANT ALL ON TABLES TO regress_tg_app;
CREATE FUNCTION states(pattern text) RETURNS TABLE (relation text, state text) LANGUAGE sql AS $$
  SELECT c.oid::regclass::text,
         concat_ws(', ', coalesce(r.status, 'unprotected'), 'by ' || r.tenant_column,
                   CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN 'enforced' END,
                   (SELECT 'default ' || pg_get_expr(d.adbin, d.adrelid)
                      FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                     WHERE d.adrelid = c.oid AND a.attname = r.tenant_column))
    FROM pg_class c LEFT JOIN tenant_guard.relations r ON r.relation = c.oid
   WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'f') AND c.relname ~ pattern
   ORDER BY c.relname COLLATE "C" $$;
-- Made by an owner who is no superuser and may execute nothing of tenant_guard's.
SET SESSION AUTHORIZATION regress_tg_owner;

--
-- Each statement that makes a table
--
CREATE TABLE saas.t01_create (tenant_id uuid, v text);
CREATE TABLE IF NOT EXISTS saas.t02_if_not_exists (tenant_id text);
CREATE TABLE IF NOT EXISTS saas.t02_if_not_exists (tenant_id text);
CREATE TABLE saas.t03_as AS SELECT tenant_id, v FROM saas.t01_create;
SELECT tenant_id, v INTO saas.t04_into FROM saas.t01_create;
CREATE TABLE saas.t05_like (LIKE saas.t01_create INCLUDING ALL);
CREATE TABLE saas.t06_no_data AS SELECT tenant_id FROM saas.t01_create WITH NO DATA;
CREATE TABLE saas.t07_as_execute (tenant_id) AS VALUES ('6a4fb4a2-5f37-c199-ad1f-70a1760e373c'::uuid);
CREATE TYPE saas.shape AS (tenant_id uuid, v text);
CREATE TABLE saas.t08_of OF saas.shape;
CREATE UNLOGGED TABLE saas.t09_unlogged (tenant_id uuid);
CREATE TABLE saas.t10_added (v text);
CREATE TABLE saas.t11_renamed (organisation uuid);
CREATE TABLE saas.t12_no_tenant (v text);
CREATE TABLE saas.t13_identity (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL);
CREATE TABLE saas.t14_own_default (tenant_id uuid NOT NULL DEFAULT gen_random_uuid());
ALTER TABLE saas.t10_added ADD COLUMN tenant_id uuid;
DO $$ BEGIN EXECUTE 'CREATE TABLE saas.t15_in_do (tenant_id uuid)'; END $$;
CREATE FUNCTION saas.make() RETURNS void LANGUAGE sql AS 'CREATE TABLE saas.t16_in_function (tenant_id uuid)';
SELECT saas.make();
RESET SESSION AUTHORIZATION;
CREATE SCHEMA saas_two CREATE TABLE t17_with_schema (tenant_id uuid);
SELECT status FROM tenant_guard.protection WHERE relation = 'saas_two.t17_with_schema'::regclass;
DROP SCHEMA saas_two CASCADE;
SET SESSION AUTHORIZATION regress_tg_owner;
PREPARE made AS SELECT gen_random_uuid() AS tenant_id;
CREATE TABLE saas.t18_execute AS EXECUTE made;
DEALLOCATE made;
CREATE TABLE "saas"."t19 Größe ""x""" ("tenant_id" uuid);
RESET SESSION AUTHORIZATION;
SELECT * FROM states('^t');
-- A column that gets the name of the tenant column.
SET SESSION AUTHORIZATION regress_tg_owner;
ALTER TABLE saas.t11_renamed RENAME COLUMN organisation TO tenant_id;
RESET SESSION AUTHORIZATION;
SELECT * FROM states('^t11');

-- The isolation works: an INSERT by the application, and what it sees.
INSERT INTO saas.t01_create VALUES (:'globex', 'globex');
INSERT INTO saas.t04_into VALUES (:'globex', 'globex');
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO saas.t01_create (v) VALUES ('acme');
INSERT INTO saas.t04_into (v) VALUES ('acme');
SELECT v FROM saas.t01_create UNION ALL SELECT v FROM saas.t04_into;
COMMIT;
RESET SESSION AUTHORIZATION;
-- Protected in the transaction that makes it, and gone with it.
BEGIN;
CREATE TABLE saas.rolled_back (tenant_id uuid);
SELECT * FROM states('rolled_back');
SAVEPOINT s;
CREATE TABLE saas.rolled_back_2 (tenant_id uuid);
ROLLBACK TO s;
ROLLBACK;
SELECT count(*) FROM tenant_guard.relations r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.relation);
-- A table that cannot be protected is not made silently: an error, or a table that the guard refuses.
CREATE TABLE saas.odd_type (tenant_id numeric);
SELECT * FROM states('odd_type');
-- Temporary tables and views have none.
CREATE TEMPORARY TABLE temporary_one (tenant_id uuid);
CREATE VIEW saas.a_view AS SELECT * FROM saas.t01_create;
CREATE MATERIALIZED VIEW saas.a_matview AS SELECT * FROM saas.t01_create;
SELECT count(*) FROM tenant_guard.relations WHERE relation::text ~ 'temporary_one|a_view|a_matview';
DROP TABLE temporary_one;
DROP VIEW saas.a_view;
DROP MATERIALIZED VIEW saas.a_matview;
-- Dropped tables are forgotten.
DROP TABLE saas.t02_if_not_exists, saas.t03_as;
SELECT count(*) FROM tenant_guard.relations r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.relation);
-- unprotect() has the last word, also over the trigger.
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.t18_execute');
SELECT * FROM states('t18');

--
-- Partitions: made, attached, made later at any level, detached
--
SET SESSION AUTHORIZATION regress_tg_owner;
CREATE TABLE saas.e (tenant_id uuid, at int, kind text) PARTITION BY RANGE (at);
CREATE TABLE saas.e_1 PARTITION OF saas.e FOR VALUES FROM (0) TO (10);
CREATE TABLE saas.e_2 (at int, kind text, tenant_id uuid) PARTITION BY LIST (kind);
ALTER TABLE saas.e ATTACH PARTITION saas.e_2 FOR VALUES FROM (10) TO (20);
CREATE TABLE saas.e_2_a PARTITION OF saas.e_2 FOR VALUES IN ('a');
CREATE TABLE saas.e_2_d PARTITION OF saas.e_2 DEFAULT PARTITION BY HASH (at);
CREATE TABLE saas.e_2_d_0 PARTITION OF saas.e_2_d FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE saas.e_default PARTITION OF saas.e DEFAULT;
RESET SESSION AUTHORIZATION;
SELECT * FROM states('^e');
-- Attached under another parent's tenant column: the partition is isolated by the parent's.
CREATE TABLE saas.o (organisation uuid, at int) PARTITION BY RANGE (at);
CREATE TABLE saas.o_before (organisation uuid, at int);
CREATE TABLE saas.o_tree (organisation uuid, at int) PARTITION BY RANGE (at);
CREATE TABLE saas.o_tree_1 PARTITION OF saas.o_tree FOR VALUES FROM (20) TO (30);
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.o', 'organisation');
ALTER TABLE saas.o ATTACH PARTITION saas.o_before FOR VALUES FROM (0) TO (10);
CREATE TABLE saas.o_after PARTITION OF saas.o FOR VALUES FROM (10) TO (20);
ALTER TABLE saas.o ATTACH PARTITION saas.o_tree FOR VALUES FROM (20) TO (30);
SELECT * FROM states('^o_|^o$');
GRANT ALL ON ALL TABLES IN SCHEMA saas TO regress_tg_app;
INSERT INTO saas.e VALUES (:'acme', 1, 'a'), (:'globex', 1, 'a'), (:'acme', 11, 'a'), (:'globex', 11, 'z');
INSERT INTO saas.o VALUES (:'acme', 1), (:'globex', 1), (:'acme', 11), (:'globex', 25);
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT (SELECT count(*) FROM saas.e), (SELECT count(*) FROM saas.e_1), (SELECT count(*) FROM saas.e_2),
       (SELECT count(*) FROM saas.e_2_a), (SELECT count(*) FROM saas.e_2_d), (SELECT count(*) FROM saas.e_2_d_0);
SELECT (SELECT count(*) FROM saas.o), (SELECT count(*) FROM saas.o_before), (SELECT count(*) FROM saas.o_after),
       (SELECT count(*) FROM saas.o_tree_1);
COMMIT;
RESET SESSION AUTHORIZATION;
-- Detached, a partition keeps its isolation.
ALTER TABLE saas.o DETACH PARTITION saas.o_before;
ALTER TABLE saas.o DETACH PARTITION saas.o_tree;
SELECT * FROM states('^o_|^o$');
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT (SELECT count(*) FROM saas.o_before), (SELECT count(*) FROM saas.o_tree_1);
COMMIT;
RESET SESSION AUTHORIZATION;
-- Detached, it can be unprotected; while attached it cannot.
SELECT tenant_guard.unprotect('saas.o_after');
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.o_before');
SELECT * FROM states('^o_before');
-- Attached again, it is protected again.
ALTER TABLE saas.o ATTACH PARTITION saas.o_before FOR VALUES FROM (0) TO (10);
SELECT * FROM states('^o_before');
-- A shared table does not become a part of a protected one by stealth.
CREATE TABLE saas.o_shared (organisation uuid, at int);
SELECT tenant_guard.declare_shared('saas.o_shared', 'by mistake');
ALTER TABLE saas.o ATTACH PARTITION saas.o_shared FOR VALUES FROM (40) TO (50);
SELECT * FROM states('^o_shared');
SELECT tenant_guard.declare_shared('saas.o_before', 'by mistake');
-- What a partition got with its parent's protection goes with it.
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.o');
SELECT attrelid::regclass AS still_has_a_default FROM pg_attrdef d JOIN pg_attribute a
    ON a.attrelid = d.adrelid AND a.attnum = d.adnum
 WHERE attrelid IN (SELECT tenant_guard.relation_tree('saas.o')) AND pg_get_expr(d.adbin, d.adrelid) ~ 'tenant_guard';

--
-- Inheritance
--
CREATE TABLE saas.h (organisation uuid, v text);
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.h', 'organisation');
CREATE TABLE saas.h_child (more int) INHERITS (saas.h);
CREATE TABLE saas.h_grandchild () INHERITS (saas.h_child);
CREATE TABLE saas.h_later (organisation uuid, v text);
ALTER TABLE saas.h_later INHERIT saas.h;
CREATE TABLE saas.h_two () INHERITS (saas.h, saas.t01_create);
SELECT * FROM states('^h');
ALTER TABLE saas.h_later NO INHERIT saas.h;
SELECT * FROM states('^h_later');

--
-- auto_protect off, and another name for the tenant column
--
SET tenant_guard.auto_protect = off;
CREATE TABLE saas.x_off (tenant_id uuid);
CREATE TABLE saas.e_3 PARTITION OF saas.e FOR VALUES FROM (30) TO (40);
SET tenant_guard.auto_protect = on;
SELECT * FROM states('^x_off|^e_3');
-- Off for new tables; a part of a protected one is refused by the guard until it is protected.
SET SESSION AUTHORIZATION regress_tg_app;
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT count(*) FROM saas.e_3;
SELECT count(*) FROM saas.x_off;
SELECT count(*) FROM saas.e;
ROLLBACK;
\set ON_ERROR_ROLLBACK off
RESET SESSION AUTHORIZATION;
SELECT relation, action FROM tenant_guard.protect_all() WHERE relation::text ~ 'e_3|x_off';
SET tenant_guard.tenant_column = 'account_id';
CREATE TABLE saas.y_account (account_id uuid, v text);
CREATE TABLE saas.y_tenant (tenant_id uuid, v text);
SELECT * FROM states('^y');
RESET tenant_guard.tenant_column;

-- The trigger runs with the rights of the extension's owner and takes nothing from the caller's schemas.
CREATE ROLE regress_tg_trap;
CREATE SCHEMA regress_tg_trap AUTHORIZATION regress_tg_trap;
GRANT CREATE, USAGE ON SCHEMA saas TO regress_tg_trap;
SET SESSION AUTHORIZATION regress_tg_trap;
CREATE FUNCTION regress_tg_trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION regress_tg_trap.trap(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE OPERATOR regress_tg_trap.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = regress_tg_trap.trap);
CREATE FUNCTION regress_tg_trap.trap(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR regress_tg_trap.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = regress_tg_trap.trap);
SET search_path = regress_tg_trap, pg_catalog, public;
CREATE TABLE saas.z_trapped (tenant_id uuid);
RESET search_path;
RESET SESSION AUTHORIZATION;
SELECT * FROM states('^z');
SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'saas.z_trapped'::regclass ORDER BY polname;

DROP SCHEMA saas CASCADE;
SELECT count(*) AS left_behind FROM tenant_guard.relations;
DROP FUNCTION states(text);
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_owner;
DROP OWNED BY regress_tg_app, regress_tg_trap;
DROP ROLE regress_tg_app, regress_tg_owner, regress_tg_trap;
