-- tenant_column_migration: a derived table gets a tenant column of its own, by statements that are written out. Under load:
-- test/tap/tenant_column.py.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE SCHEMA "Saas";
GRANT USAGE ON SCHEMA "Saas" TO regress_tg_app;
SET tenant_guard.auto_protect = off;
CREATE TABLE "Saas".orders ("Account" text COLLATE "C" NOT NULL, id int PRIMARY KEY);
CREATE TABLE "Saas"."It ems" (id int PRIMARY KEY, "Order" int REFERENCES "Saas".orders, v text);
CREATE TABLE "Saas".notes (id int, item int REFERENCES "Saas"."It ems", v text) PARTITION BY RANGE (id);
CREATE TABLE "Saas".notes_1 PARTITION OF "Saas".notes FOR VALUES FROM (0) TO (100) PARTITION BY LIST (v);
CREATE TABLE "Saas".notes_1_rest PARTITION OF "Saas".notes_1 DEFAULT;
CREATE TABLE "Saas".notes_2 PARTITION OF "Saas".notes FOR VALUES FROM (100) TO (200);
CREATE TABLE "Saas".marks (note int REFERENCES "Saas"."It ems", v text);
CREATE TABLE "Saas".more_marks (CONSTRAINT marks_note_fkey FOREIGN KEY (note) REFERENCES "Saas"."It ems") INHERITS ("Saas".marks);
RESET tenant_guard.auto_protect;
INSERT INTO "Saas".orders VALUES ('acme', 1), ('globex', 2);
INSERT INTO "Saas"."It ems" SELECT i, 1 + i % 2, 'i' FROM generate_series(1, 50) i;
INSERT INTO "Saas".notes SELECT i, 1 + i % 50, 'n' FROM generate_series(1, 199) i;
INSERT INTO "Saas".marks SELECT 1 + i % 50, 'm' FROM generate_series(1, 60) i;
INSERT INTO "Saas".more_marks SELECT 1 + i % 50, 'mm' FROM generate_series(1, 60) i;
GRANT ALL ON ALL TABLES IN SCHEMA "Saas" TO regress_tg_app;

-- Refused.
\set VERBOSITY default
SELECT * FROM tenant_guard.tenant_column_migration('"Saas"."It ems"');
SELECT count(*) FROM tenant_guard.protect('"Saas".orders', 'Account');
SELECT * FROM tenant_guard.tenant_column_migration('"Saas".orders');
SELECT count(*) FROM unnest(ARRAY['"Saas"."It ems"']) t, tenant_guard.protect_via(t::regclass, '"Saas".orders');
SELECT count(*) FROM unnest(ARRAY['"Saas".notes', '"Saas".marks']) t, tenant_guard.protect_via(t::regclass, '"Saas"."It ems"');
SELECT * FROM tenant_guard.tenant_column_migration('"Saas".notes_1');
SELECT * FROM tenant_guard.tenant_column_migration('"Saas".notes', 'v');
SELECT * FROM tenant_guard.tenant_column_migration('"Saas".notes', batch_pages => 0);
SELECT * FROM tenant_guard.protect_by_own_column('"Saas".notes', 'no_column');
SELECT * FROM tenant_guard.protect_by_own_column('"Saas".orders', 'Account');
\set VERBOSITY default

-- Written out.
\pset format unaligned
SELECT * FROM tenant_guard.tenant_column_migration('"Saas"."It ems"');
\pset format aligned
SELECT step, in_transaction, regexp_replace(statement, E'\n.*', ' ...') FROM tenant_guard.tenant_column_migration('"Saas".notes', 'Tenant');
SELECT statement FROM tenant_guard.tenant_column_migration('"Saas".marks') WHERE statement ~ 'TRIGGER|INDEX';

-- Run, one table after the other; what each shows stays the answer of the join, and what hangs on it stays protected.
CREATE TABLE expected AS
  SELECT 'items' AS what, o."Account" AS tenant, count(*) AS n FROM "Saas"."It ems" i JOIN "Saas".orders o ON o.id = i."Order" GROUP BY 2
  UNION ALL SELECT 'notes', o."Account", count(*) FROM "Saas".notes n JOIN "Saas"."It ems" i ON i.id = n.item JOIN "Saas".orders o ON o.id = i."Order" GROUP BY 2
  UNION ALL SELECT 'marks', o."Account", count(*) FROM "Saas".marks n JOIN "Saas"."It ems" i ON i.id = n.note JOIN "Saas".orders o ON o.id = i."Order" GROUP BY 2;
CREATE FUNCTION seen_by(token text) RETURNS SETOF expected LANGUAGE plpgsql AS $$
DECLARE seen expected[];
BEGIN
  SET LOCAL ROLE regress_tg_app;
  PERFORM tenant_guard.authenticate(token);
  seen := ARRAY(SELECT row('items', tenant_guard.tenant_id(), count(*))::expected FROM "Saas"."It ems"
    UNION ALL SELECT row('notes', tenant_guard.tenant_id(), count(*))::expected FROM "Saas".notes
    UNION ALL SELECT row('marks', tenant_guard.tenant_id(), count(*))::expected FROM "Saas".marks);
  RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  RETURN QUERY SELECT * FROM unnest(seen);
END $$;
CREATE PROCEDURE check_seen(token text, other_token text) LANGUAGE plpgsql AS $$
DECLARE
  seen expected[] := ARRAY(SELECT s FROM seen_by(token) s) || ARRAY(SELECT s FROM seen_by(other_token) s);
  difference expected;
BEGIN
  FOR difference IN (SELECT * FROM expected EXCEPT SELECT * FROM unnest(seen)) UNION (SELECT * FROM unnest(seen) EXCEPT SELECT * FROM expected)
      ORDER BY 1, 2, 3 LOOP
    RAISE WARNING 'not as expected: %', difference;
  END LOOP;
END $$;
CALL check_seen(:'t_text', :'t_text_b');
\set QUIET on
\pset tuples_only on
SELECT replace(statement, 'SELECT *', 'SELECT count(*)') FROM tenant_guard.tenant_column_migration('"Saas"."It ems"') \gexec
CALL check_seen(:'t_text', :'t_text_b');
SELECT relation, status, tenant_column, findings, how FROM tenant_guard.protection WHERE relation::text ~ 'Saas' ORDER BY relation::text;
SELECT replace(statement, 'SELECT *', 'SELECT count(*)') FROM tenant_guard.tenant_column_migration('"Saas".notes', 'Tenant') \gexec
SELECT replace(statement, 'SELECT *', 'SELECT count(*)') FROM tenant_guard.tenant_column_migration('"Saas".marks') \gexec
\pset tuples_only off
CALL check_seen(:'t_text', :'t_text_b');
SELECT relation, status, tenant_column, findings, how FROM tenant_guard.protection WHERE relation::text ~ 'Saas' ORDER BY relation::text;
SELECT count(*) FROM tenant_guard.relations r, tenant_guard.protect(r.relation);
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname = 'tenant_of_row';

-- Control: a difference is noticed.
BEGIN;
UPDATE expected SET n = n + 1 WHERE what = 'notes';
CALL check_seen(:'t_text', :'t_text_b');
ROLLBACK;

-- A row that references nothing stops it before anything is switched.
SET tenant_guard.auto_protect = off;
CREATE TABLE "Saas".loose (item int REFERENCES "Saas"."It ems");
RESET tenant_guard.auto_protect;
INSERT INTO "Saas".loose VALUES (1), (NULL);
SELECT count(*) FROM tenant_guard.protect_via('"Saas".loose', '"Saas"."It ems"');
\set VERBOSITY terse
SELECT statement FROM tenant_guard.tenant_column_migration('"Saas".loose') WHERE step <= 7 \gexec
SELECT status, how FROM tenant_guard.protection WHERE relation = '"Saas".loose'::regclass;
RESET lock_timeout;

-- And back.
SELECT relation, action FROM tenant_guard.unprotect('"Saas".notes') WHERE action = 'drop default';
SET ROLE regress_tg_app;
SELECT * FROM tenant_guard.tenant_column_migration('"Saas".loose');
SELECT * FROM tenant_guard.protect_by_own_column('"Saas".loose', 'item');
RESET ROLE;
DROP SCHEMA "Saas" CASCADE;
DROP TABLE expected CASCADE;
DROP FUNCTION IF EXISTS seen_by;
DROP PROCEDURE check_seen;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app;
DELETE FROM tenant_guard.signing_keys;
