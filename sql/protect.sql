-- Protection: what protect() makes, what it refuses, what nobody can take away, and that unprotect()
-- takes all of it back.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SET client_min_messages = warning;
SET tenant_guard.auto_protect = off;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE ROLE regress_tg_owner;
CREATE ROLE regress_tg_admin;
CREATE SCHEMA saas AUTHORIZATION regress_tg_owner;
GRANT USAGE ON SCHEMA saas TO regress_tg_app;

-- All that the catalogs say about a relation and those below it.
CREATE FUNCTION snapshot(root regclass) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concat_ws(' ', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relacl,
           (SELECT string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles::text,
                     pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
                     E'\n' ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = c.oid),
           (SELECT string_agg(concat_ws(' ', a.attname, a.atthasdef, a.attnotnull, a.attacl,
                     pg_get_expr(d.adbin, d.adrelid)), E'\n' ORDER BY a.attnum)
              FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid AND a.attnum > 0)), E'\n' ORDER BY c.oid)
    FROM tenant_guard.relation_tree(root) t JOIN pg_class c ON c.oid = t
$$;

--
-- What is made of a table of each type
--
CREATE DOMAIN saas.tenant AS uuid;
CREATE DOMAIN saas.tenant_name AS text COLLATE "C";
CREATE TABLE saas.by_uuid (tenant_id uuid, v text);
CREATE TABLE saas.by_text (tenant_id text, v text);
CREATE TABLE saas.by_varchar (tenant_id varchar, v text);
CREATE TABLE saas.by_varchar_n (tenant_id varchar(40), v text);
CREATE TABLE saas.by_bigint (tenant_id bigint, v text);
CREATE TABLE saas.by_int (tenant_id int, v text);
CREATE TABLE saas.by_domain (tenant_id saas.tenant, v text);
CREATE TABLE saas.by_domain_text (tenant_id saas.tenant_name, v text);
GRANT ALL ON ALL TABLES IN SCHEMA saas TO regress_tg_app;
\pset format unaligned
SELECT action, statement FROM tenant_guard.protect('saas.by_uuid');
SELECT p.statement
  FROM unnest('{saas.by_text,saas.by_varchar,saas.by_varchar_n,saas.by_bigint,saas.by_int,
                saas.by_domain,saas.by_domain_text}'::regclass[]) AS t, tenant_guard.protect(t) AS p
 WHERE p.action IN ('create isolation policy', 'set default');
\pset format aligned
-- Again: nothing is done.
SELECT count(*) FROM unnest('{saas.by_uuid,saas.by_text,saas.by_varchar,saas.by_varchar_n,saas.by_bigint,
                saas.by_int,saas.by_domain,saas.by_domain_text}'::regclass[]) AS t, tenant_guard.protect(t) AS p;
SELECT relation, action FROM tenant_guard.protect_all();
SELECT c.relname, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, p.polname, p.polpermissive,
       p.polcmd, p.polroles, p.polqual IS NOT NULL AS using, p.polwithcheck IS NOT NULL AS with_check
  FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relname = 'by_uuid' ORDER BY polname;
INSERT INTO saas.by_uuid VALUES (:'acme', 'acme'), (:'globex', 'globex'), (NULL, 'nobody');
INSERT INTO saas.by_domain SELECT * FROM saas.by_uuid;
INSERT INTO saas.by_text VALUES ('acme', 'acme'), ('globex', 'globex'), (NULL, 'nobody'), ('', 'empty'), ('ACME', 'upper');
INSERT INTO saas.by_varchar SELECT * FROM saas.by_text;
INSERT INTO saas.by_varchar_n SELECT * FROM saas.by_text;
INSERT INTO saas.by_domain_text SELECT * FROM saas.by_text;
INSERT INTO saas.by_bigint VALUES (42, '42'), (43, '43'), (NULL, 'nobody'), (0, 'zero');
INSERT INTO saas.by_int SELECT * FROM saas.by_bigint;

SET SESSION AUTHORIZATION regress_tg_app;
-- Nobody sees nothing.
SELECT (SELECT count(*) FROM saas.by_uuid), (SELECT count(*) FROM saas.by_text),
       (SELECT count(*) FROM saas.by_bigint), (SELECT count(*) FROM saas.by_int);
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM saas.by_uuid UNION ALL SELECT v FROM saas.by_domain;
-- INSERT that names no tenant lands with the right one; UPDATE and DELETE reach own rows only.
INSERT INTO saas.by_uuid (v) VALUES ('new') RETURNING tenant_id = :'acme' AS acme, v;
UPDATE saas.by_uuid SET v = v || '!' RETURNING v;
DELETE FROM saas.by_uuid RETURNING v;
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'t_text');
SELECT v FROM saas.by_text UNION ALL SELECT v FROM saas.by_varchar
 UNION ALL SELECT v FROM saas.by_varchar_n UNION ALL SELECT v FROM saas.by_domain_text;
INSERT INTO saas.by_varchar_n (v) VALUES ('new') RETURNING *;
INSERT INTO saas.by_domain_text (v) VALUES ('new') RETURNING *;
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'t_big');
SELECT v FROM saas.by_bigint UNION ALL SELECT v FROM saas.by_int;
INSERT INTO saas.by_bigint (v) VALUES ('new') RETURNING *;
INSERT INTO saas.by_int (v) VALUES ('new') RETURNING *;
-- The tenant is 42, and no uuid.
SELECT v FROM saas.by_uuid;
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM saas.by_bigint;
ROLLBACK;
-- Another tenant's rows cannot be made, neither by INSERT nor by UPDATE, nor be somebody's without one.
\set ON_ERROR_ROLLBACK on
\set VERBOSITY sqlstate
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO saas.by_uuid VALUES (:'globex', 'forged');
INSERT INTO saas.by_uuid VALUES (NULL, 'forged');
UPDATE saas.by_uuid SET tenant_id = :'globex';
UPDATE saas.by_uuid SET tenant_id = NULL;
INSERT INTO saas.by_uuid SELECT :'globex', v FROM saas.by_uuid;
MERGE INTO saas.by_uuid t USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT VALUES ('6a4fb4a2-5f37-c199-ad1f-70a1760e373c', 'forged');
MERGE INTO saas.by_uuid t USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET tenant_id = '6a4fb4a2-5f37-c199-ad1f-70a1760e373c';
\copy saas.by_uuid FROM /dev/null
\copy saas.by_uuid (v) FROM /dev/null
INSERT INTO saas.by_uuid VALUES (:'acme', 'own');
SELECT v FROM saas.by_uuid ORDER BY v;
ROLLBACK;
\set ON_ERROR_ROLLBACK off
\set VERBOSITY default
RESET SESSION AUTHORIZATION;
SELECT v FROM saas.by_uuid ORDER BY v;

--
-- What cannot be protected, and why
--
CREATE FUNCTION refusal(target regclass, tenant_column name DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text; detail text; hint text;
BEGIN
  PERFORM tenant_guard.protect(target, tenant_column);
  RETURN 'PROTECTED';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' | ', SQLSTATE, message, detail, hint);
END $$;
CREATE TABLE saas.no_column (v text);
CREATE TABLE saas.wrong_type (tenant_id numeric, v date);
CREATE COLLATION saas.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE saas.loose_names (tenant_id text COLLATE saas.loose);
CREATE VIEW saas.a_view AS SELECT * FROM saas.by_uuid;
CREATE MATERIALIZED VIEW saas.a_matview AS SELECT * FROM saas.by_uuid;
CREATE SEQUENCE saas.a_sequence;
CREATE FOREIGN DATA WRAPPER regress_tg_fdw;
CREATE SERVER regress_tg_server FOREIGN DATA WRAPPER regress_tg_fdw;
CREATE FOREIGN TABLE saas.a_foreign_table (tenant_id uuid) SERVER regress_tg_server;
CREATE TEMPORARY TABLE a_temporary_table (tenant_id uuid);
CREATE TYPE saas.a_type AS (tenant_id uuid);
\pset format unaligned
\pset tuples_only on
SELECT refusal('saas.no_column');
SELECT refusal('saas.no_column', 'tenant_id');
SELECT refusal('saas.by_uuid', 'v');
SELECT refusal('saas.wrong_type');
SELECT refusal('saas.wrong_type', 'v');
SELECT refusal('saas.wrong_type', 'ctid');
SELECT refusal('saas.wrong_type', 'nobody"; DROP TABLE x; --');
SELECT refusal('saas.loose_names');
SELECT refusal('saas.a_view');
SELECT refusal('saas.a_matview');
SELECT refusal('saas.a_sequence');
SELECT refusal('saas.a_foreign_table');
SELECT refusal('saas.a_type');
SELECT refusal('pg_class', 'relname');
SELECT regexp_replace(refusal('a_temporary_table'), 'pg_temp[_0-9]*', 'pg_temp');
SELECT refusal(NULL);
\pset format aligned
\pset tuples_only off
-- One that cannot be protected does not keep protect_all() from the others.
CREATE TABLE saas.late (tenant_id uuid);
SET client_min_messages = notice;
SELECT relation, action, CASE WHEN action = 'failed' THEN statement END AS reason FROM tenant_guard.protect_all();
SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER regress_tg_fdw CASCADE;
DROP TABLE saas.loose_names, saas.wrong_type, saas.no_column, saas.late, a_temporary_table;
DROP VIEW saas.a_view;
DROP MATERIALIZED VIEW saas.a_matview;
DROP SEQUENCE saas.a_sequence;
DROP TYPE saas.a_type;

--
-- dry_run equals what runs, and runs nothing
--
CREATE TABLE saas.first (id int PRIMARY KEY, tenant_id uuid NOT NULL DEFAULT gen_random_uuid());
CREATE TABLE saas.second (id int, tenant_id text) PARTITION BY RANGE (id);
CREATE TABLE saas.second_1 PARTITION OF saas.second FOR VALUES FROM (0) TO (10);
CREATE POLICY sees_all ON saas.first FOR SELECT USING (true);
GRANT SELECT ON saas.first TO regress_tg_app;
SELECT snapshot('saas.first') AS first_before, snapshot('saas.second') AS second_before \gset
CREATE TEMPORARY TABLE dry AS SELECT row_number() OVER () AS step, * FROM tenant_guard.protect_all(true);
SELECT snapshot('saas.first') = :'first_before' AND snapshot('saas.second') = :'second_before' AS untouched;
SELECT count(*) AS registered FROM tenant_guard.relations
 WHERE relation IN ('saas.first'::regclass, 'saas.second'::regclass, 'saas.second_1'::regclass);
CREATE TEMPORARY TABLE wet AS SELECT row_number() OVER () AS step, * FROM tenant_guard.protect_all();
SELECT count(*) > 0 AS steps, count(*) FILTER (WHERE d IS DISTINCT FROM w) AS differences
  FROM dry d FULL JOIN wet w USING (step);
SELECT relation, action FROM wet ORDER BY step;
DROP TABLE dry, wet;
-- An existing permissive policy is kept, and cannot widen the isolation; so is an existing default.
INSERT INTO saas.first VALUES (1, :'acme'), (2, :'globex');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT id FROM saas.first;
ROLLBACK;
-- unprotect() takes all of it back, exactly.
\pset format unaligned
SELECT statement FROM tenant_guard.unprotect('saas.first');
\pset format aligned
\pset format unaligned
SELECT statement FROM tenant_guard.unprotect('saas.second');
\pset format aligned
SELECT snapshot('saas.first') = :'first_before' AS first_restored, snapshot('saas.second') = :'second_before' AS second_restored;
SELECT tenant_guard.unprotect('saas.first');
SELECT tenant_guard.unprotect(NULL);
-- What had row security before has it afterwards.
ALTER TABLE saas.first ENABLE ROW LEVEL SECURITY;
SELECT snapshot('saas.first') AS first_before \gset
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.first');
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.first');
SELECT snapshot('saas.first') = :'first_before' AS first_restored;
ALTER TABLE saas.first FORCE ROW LEVEL SECURITY;
SELECT snapshot('saas.first') AS first_before \gset
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.first');
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.first');
SELECT snapshot('saas.first') = :'first_before' AS first_restored;
-- The same with auto_protect on, as it is by default.
SET tenant_guard.auto_protect = on;
CREATE TABLE saas.automatic (tenant_id uuid);
SELECT relation, action FROM tenant_guard.unprotect('saas.automatic');
SELECT status FROM tenant_guard.protection WHERE relation = 'saas.automatic'::regclass;
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.automatic');
SELECT relation, action FROM tenant_guard.unprotect('saas.automatic');
SELECT status FROM tenant_guard.protection WHERE relation = 'saas.automatic'::regclass;
DROP TABLE saas.automatic;
SET tenant_guard.auto_protect = off;
DROP TABLE saas.first, saas.second;

--
-- Nobody can take it away: not the owner, not the superuser, whatever the statement
--
CREATE TABLE saas.mine (id int, tenant_id uuid);
ALTER TABLE saas.mine OWNER TO regress_tg_owner;
CREATE TABLE saas.parted (id int, tenant_id uuid) PARTITION BY RANGE (id);
CREATE TABLE saas.part PARTITION OF saas.parted FOR VALUES FROM (0) TO (10);
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.mine');
SELECT count(*) > 0 AS done FROM tenant_guard.protect('saas.parted');
CREATE FUNCTION took_away() RETURNS TABLE (statement text, verdict text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH statement IN ARRAY ARRAY[
      'ALTER TABLE saas.mine DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE saas.mine NO FORCE ROW LEVEL SECURITY',
      'ALTER TABLE ONLY saas.mine DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE IF EXISTS saas.mine DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE saas.mine ADD COLUMN x int, DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE saas.mine DROP COLUMN tenant_id',
      'ALTER TABLE saas.mine DROP COLUMN tenant_id CASCADE',
      'ALTER TABLE saas.mine RENAME COLUMN tenant_id TO other',
      'ALTER TABLE saas.mine RENAME tenant_id TO other',
      'ALTER TABLE saas.mine ALTER COLUMN tenant_id TYPE text',
      'ALTER TABLE saas.mine ALTER COLUMN tenant_id TYPE text COLLATE "C"',
      'DROP POLICY tenant_guard_isolation ON saas.mine',
      'DROP POLICY IF EXISTS tenant_guard_isolation ON saas.mine CASCADE',
      'DROP POLICY tenant_guard_access ON saas.mine',
      'ALTER POLICY tenant_guard_isolation ON saas.mine USING (true)',
      'ALTER POLICY tenant_guard_isolation ON saas.mine WITH CHECK (true)',
      'ALTER POLICY tenant_guard_isolation ON saas.mine TO regress_tg_owner',
      'ALTER POLICY tenant_guard_access ON saas.mine USING (true)',
      'ALTER POLICY tenant_guard_isolation ON saas.mine RENAME TO other',
      'ALTER TABLE saas.parted DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE saas.part DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE saas.part NO FORCE ROW LEVEL SECURITY',
      'DROP POLICY tenant_guard_isolation ON saas.part',
      'ALTER TABLE saas.parted RENAME COLUMN tenant_id TO other',
      'ALTER TABLE saas.parted DROP COLUMN tenant_id',
      'ALTER VIEW saas.mine RENAME COLUMN tenant_id TO other',
      'ALTER INDEX saas.mine RENAME COLUMN tenant_id TO other',
      'ALTER FOREIGN TABLE saas.mine RENAME COLUMN tenant_id TO other',
      'DELETE FROM tenant_guard.relations',
      'DELETE FROM pg_policy'] LOOP
    BEGIN
      EXECUTE statement;
      verdict := 'ALLOWED';
      RAISE EXCEPTION USING ERRCODE = 'UA000';
    EXCEPTION
      WHEN SQLSTATE 'UA000' THEN RETURN NEXT;
      WHEN OTHERS THEN verdict := SQLSTATE; RETURN NEXT;
    END;
  END LOOP;
END $$;
SET SESSION AUTHORIZATION regress_tg_owner;
SELECT * FROM took_away();
ALTER TABLE saas.mine DISABLE ROW LEVEL SECURITY;
RESET SESSION AUTHORIZATION;
-- The superuser neither, by DDL.
SELECT * FROM took_away() WHERE statement !~ '^DELETE FROM';
-- A dump's own copy of the policy is taken for what it is, and replaces nothing.
BEGIN;
CREATE POLICY tenant_guard_isolation ON saas.mine USING (true);
SELECT polname, polpermissive, pg_get_expr(polqual, polrelid) FROM pg_policy
 WHERE polrelid = 'saas.mine'::regclass ORDER BY polname;
ROLLBACK;
-- Controls: what does not touch the isolation is allowed, and unprotect() opens the way.
BEGIN;
ALTER TABLE saas.mine ADD COLUMN extra text, ALTER COLUMN id SET NOT NULL;
ALTER TABLE saas.mine RENAME COLUMN extra TO more;
CREATE POLICY additional ON saas.mine USING (true);
ALTER POLICY additional ON saas.mine USING (id > 0);
ALTER POLICY additional ON saas.mine RENAME TO renamed;
DROP POLICY renamed ON saas.mine;
ALTER TABLE saas.mine RENAME TO renamed;
ALTER TABLE saas.renamed SET SCHEMA public;
ALTER TABLE public.renamed ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT count(*) FROM tenant_guard.protect('public.renamed');
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('public.renamed');
ALTER TABLE public.renamed DISABLE ROW LEVEL SECURITY, DROP COLUMN tenant_id;
ROLLBACK;

-- The floor: with the policy removed behind our back, and a permissive one added, nothing is widened.
INSERT INTO saas.mine VALUES (1, :'acme'), (2, :'globex');
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.mine TO regress_tg_app;
BEGIN;
SET LOCAL allow_system_table_mods = on;
DELETE FROM pg_policy WHERE polrelid = 'saas.mine'::regclass;
CREATE POLICY everybody ON saas.mine USING (true) WITH CHECK (true);
SET LOCAL ROLE regress_tg_app;
SELECT id FROM saas.mine;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT id FROM saas.mine;
UPDATE saas.mine SET id = id RETURNING id;
DELETE FROM saas.mine RETURNING id;
SAVEPOINT s;
INSERT INTO saas.mine VALUES (3, :'globex');
ROLLBACK TO s;
INSERT INTO saas.mine VALUES (3, :'acme');
ROLLBACK;
-- Weakened behind our back: only for some command, only for some role, permissive.
BEGIN;
SET LOCAL allow_system_table_mods = on;
CREATE POLICY everybody ON saas.mine USING (true) WITH CHECK (true);
UPDATE pg_policy SET polpermissive = true WHERE polrelid = 'saas.mine'::regclass;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT id FROM saas.mine;
ROLLBACK;
BEGIN;
SET LOCAL allow_system_table_mods = on;
CREATE POLICY everybody ON saas.mine USING (true) WITH CHECK (true);
UPDATE pg_policy SET polcmd = 'w' WHERE polrelid = 'saas.mine'::regclass AND polname = 'tenant_guard_isolation';
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT id FROM saas.mine;
ROLLBACK;
BEGIN;
SET LOCAL allow_system_table_mods = on;
CREATE POLICY everybody ON saas.mine USING (true) WITH CHECK (true);
UPDATE pg_policy SET polroles = ARRAY['regress_tg_owner'::regrole::oid]
 WHERE polrelid = 'saas.mine'::regclass AND polname = 'tenant_guard_isolation';
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT id FROM saas.mine;
ROLLBACK;
-- Switched off behind our back: the guard refuses, as the hook no longer runs.
BEGIN;
SET LOCAL allow_system_table_mods = on;
UPDATE pg_class SET relrowsecurity = false WHERE oid = 'saas.mine'::regclass;
ALTER TABLE saas.mine SET (fillfactor = 90);
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT id FROM saas.mine;
ROLLBACK;
BEGIN;
SET LOCAL allow_system_table_mods = on;
UPDATE pg_class SET relforcerowsecurity = false WHERE oid = 'saas.mine'::regclass;
ALTER TABLE saas.mine SET (fillfactor = 90);
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT id FROM saas.mine;
ROLLBACK;
-- And protect() mends it.
BEGIN;
SET LOCAL allow_system_table_mods = on;
DELETE FROM pg_policy WHERE polrelid = 'saas.mine'::regclass;
UPDATE pg_class SET relrowsecurity = false WHERE oid = 'saas.mine'::regclass;
ALTER TABLE saas.mine SET (fillfactor = 90);
SELECT findings FROM tenant_guard.protection WHERE relation = 'saas.mine'::regclass;
SELECT relation, action FROM tenant_guard.protect('saas.mine');
SELECT findings FROM tenant_guard.protection WHERE relation = 'saas.mine'::regclass;
ROLLBACK;
DROP TABLE saas.mine, saas.parted;

--
-- Partitions and inheritance
--
CREATE TABLE saas.events (tenant_id uuid, at int, kind text) PARTITION BY RANGE (at);
CREATE TABLE saas.events_1 PARTITION OF saas.events FOR VALUES FROM (0) TO (10);
CREATE TABLE saas.events_2 PARTITION OF saas.events FOR VALUES FROM (10) TO (20) PARTITION BY LIST (kind);
CREATE TABLE saas.events_2a PARTITION OF saas.events_2 FOR VALUES IN ('a') PARTITION BY HASH (tenant_id);
CREATE TABLE saas.events_2a_0 PARTITION OF saas.events_2a FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE saas.base (tenant_id uuid, v text);
CREATE TABLE saas.child (more text) INHERITS (saas.base);
CREATE TABLE saas.grandchild () INHERITS (saas.child);
SELECT DISTINCT relation, count(*) FROM tenant_guard.protect('saas.events') GROUP BY relation ORDER BY relation;
SELECT DISTINCT relation, count(*) FROM tenant_guard.protect('saas.base') GROUP BY relation ORDER BY relation;
INSERT INTO saas.events VALUES (:'acme', 1, 'a'), (:'globex', 1, 'a'), (:'acme', 11, 'a'), (:'globex', 11, 'a');
INSERT INTO saas.grandchild VALUES (:'acme', 'acme'), (:'globex', 'globex');
GRANT SELECT ON ALL TABLES IN SCHEMA saas TO regress_tg_app;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT (SELECT count(*) FROM saas.events), (SELECT count(*) FROM saas.events_1), (SELECT count(*) FROM saas.events_2),
       (SELECT count(*) FROM saas.events_2a), (SELECT count(*) FROM saas.events_2a_0);
SELECT (SELECT count(*) FROM saas.base), (SELECT count(*) FROM ONLY saas.base), (SELECT count(*) FROM saas.child),
       (SELECT count(*) FROM saas.grandchild);
ROLLBACK;
SELECT tenant_guard.unprotect('saas.events_1');
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.events');
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.base');
SELECT relation FROM tenant_guard.relations WHERE relation::text ~ 'events|base|child';
DROP TABLE saas.events, saas.base CASCADE;

--
-- Names
--
CREATE SCHEMA "Odd ""Schema";
CREATE TABLE "Odd ""Schema"."Bestellungen für 'Müller'" ("Mandant %s ""ü""" uuid, v text);
\pset format unaligned
SELECT statement FROM tenant_guard.protect('"Odd ""Schema"."Bestellungen für ''Müller''"', 'Mandant %s "ü"');
\pset format aligned
SELECT count(*) FROM tenant_guard.protect('"Odd ""Schema"."Bestellungen für ''Müller''"');
INSERT INTO "Odd ""Schema"."Bestellungen für 'Müller'" VALUES (:'acme', 'acme'), (:'globex', 'globex');
GRANT USAGE ON SCHEMA "Odd ""Schema" TO regress_tg_app;
GRANT SELECT, INSERT ON "Odd ""Schema"."Bestellungen für 'Müller'" TO regress_tg_app;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT v FROM "Odd ""Schema"."Bestellungen für 'Müller'";
INSERT INTO "Odd ""Schema"."Bestellungen für 'Müller'" (v) VALUES ('new') RETURNING 1 AS own;
ROLLBACK;
ALTER TABLE "Odd ""Schema"."Bestellungen für 'Müller'" DISABLE ROW LEVEL SECURITY;
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('"Odd ""Schema"."Bestellungen für ''Müller''"');
DROP SCHEMA "Odd ""Schema" CASCADE;
-- A long name, and a column that is called like a keyword.
CREATE TABLE saas.very_long_table_name_that_is_exactly_sixty_three_bytes_in_all__ ("select" uuid);
SELECT action FROM tenant_guard.protect('saas.very_long_table_name_that_is_exactly_sixty_three_bytes_in_all__', 'select');
DROP TABLE saas.very_long_table_name_that_is_exactly_sixty_three_bytes_in_all__;

--
-- Another name for the tenant column
--
CREATE TABLE saas.accounts (account_id uuid, tenant_id uuid);
SELECT relation, action FROM tenant_guard.protect('saas.accounts', 'account_id');
SELECT count(*) FROM tenant_guard.protect('saas.accounts');
SELECT tenant_guard.protect('saas.accounts', 'tenant_id');
SELECT count(*) FROM tenant_guard.protect_all() WHERE relation = 'saas.accounts'::regclass;
SELECT count(*) > 0 AS done FROM tenant_guard.unprotect('saas.accounts');
BEGIN;
SET LOCAL tenant_guard.tenant_column = 'account_id';
SELECT relation, action FROM tenant_guard.protect_all() WHERE relation = 'saas.accounts'::regclass;
ROLLBACK;
DROP TABLE saas.accounts;

--
-- Shared: reference data
--
CREATE TABLE saas.countries (code text);
INSERT INTO saas.countries VALUES ('de');
GRANT ALL ON saas.countries TO regress_tg_app;
SELECT tenant_guard.declare_shared('saas.countries', '');
SELECT tenant_guard.declare_shared('saas.countries', NULL);
SELECT tenant_guard.declare_shared(NULL, 'reason');
SELECT tenant_guard.declare_shared('saas.by_uuid', 'it is not');
SELECT tenant_guard.declare_shared('pg_statistic', 'it is not');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM saas.countries;
ROLLBACK;
SELECT tenant_guard.declare_shared('saas.countries', 'ISO 3166');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM saas.countries;
INSERT INTO saas.countries VALUES ('fr');
ROLLBACK;
\set ON_ERROR_ROLLBACK on
\set VERBOSITY sqlstate
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
UPDATE saas.countries SET code = 'fr';
DELETE FROM saas.countries;
TRUNCATE saas.countries;
MERGE INTO saas.countries c USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE;
SELECT * FROM saas.countries FOR UPDATE;
SELECT * FROM saas.countries FOR KEY SHARE;
\copy saas.countries FROM /dev/null
SELECT * FROM saas.countries;
ROLLBACK;
\set ON_ERROR_ROLLBACK off
\set VERBOSITY default
SELECT tenant_guard.protect('saas.countries');
SELECT tenant_guard.declare_shared('saas.countries', 'everybody may add', writable => true);
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO saas.countries VALUES ('fr');
SELECT * FROM saas.countries;
ROLLBACK;
SELECT relation, status, reason FROM tenant_guard.protection WHERE relation = 'saas.countries'::regclass;
SELECT tenant_guard.undeclare_shared('saas.countries');
SELECT tenant_guard.undeclare_shared('saas.countries');
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM saas.countries;
ROLLBACK;

--
-- Who may: nobody by default; an administrator who owns nothing, when told so
--
SET SESSION AUTHORIZATION regress_tg_owner;
\set VERBOSITY sqlstate
SELECT tenant_guard.protect('saas.by_uuid');
SELECT tenant_guard.protect_all();
SELECT tenant_guard.protect_all(true);
SELECT tenant_guard.unprotect('saas.by_uuid');
SELECT tenant_guard.unprotect_tree('saas.by_uuid');
SELECT tenant_guard.protect_tree('saas.by_uuid', NULL);
SELECT tenant_guard.declare_shared('saas.by_uuid', 'mine');
SELECT tenant_guard.undeclare_shared('saas.countries');
SELECT tenant_guard.guard_role('regress_tg_owner', 'off');
SELECT tenant_guard.close_protected_relations();
SELECT * FROM tenant_guard.protection;
SELECT * FROM tenant_guard.relations;
SELECT * FROM tenant_guard.guarded_roles;
INSERT INTO tenant_guard.relations (relation, status, reason) VALUES ('saas.countries', 'shared', 'mine');
\set VERBOSITY default
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION tenant_guard.protect(regclass, name), tenant_guard.unprotect(regclass),
  tenant_guard.declare_shared(regclass, text, boolean), tenant_guard.undeclare_shared(regclass) TO regress_tg_admin;
GRANT USAGE ON SCHEMA saas TO regress_tg_admin;
CREATE TABLE saas.of_owner (tenant_id uuid);
ALTER TABLE saas.of_owner OWNER TO regress_tg_owner;
SET SESSION AUTHORIZATION regress_tg_admin;
SELECT relation, action FROM tenant_guard.protect('saas.of_owner');
SELECT relation, action FROM tenant_guard.unprotect('saas.of_owner');
SELECT tenant_guard.declare_shared('saas.of_owner', 'by an administrator');
SELECT tenant_guard.undeclare_shared('saas.of_owner');
RESET SESSION AUTHORIZATION;

SELECT count(*) > 0 AS done FROM unnest('{saas.by_uuid,saas.by_text,saas.by_varchar,saas.by_varchar_n,saas.by_bigint,
                saas.by_int,saas.by_domain,saas.by_domain_text}'::regclass[]) AS t, tenant_guard.unprotect(t) AS p;
DROP SCHEMA saas CASCADE;
SELECT count(*) AS left_behind FROM tenant_guard.relations;
DROP FUNCTION snapshot, refusal, took_away;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app, regress_tg_owner, regress_tg_admin;
DROP ROLE regress_tg_app, regress_tg_owner, regress_tg_admin;
