-- Relations that nobody isolated, by every way in; and protected ones around their row security.

-- attack O01 leak
-- A table with a tenant column that nobody protected
SELECT secret FROM attacks.forgotten;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack O03 leak
-- A tenant column under another name
SELECT secret FROM attacks.organisations;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT vat FROM attacks.countries;

-- attack O04 leak
-- The audit table that a SECURITY DEFINER trigger fills
SELECT secret FROM attacks.log;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.noted RIGHT JOIN attacks.accounts USING (secret);

-- attack O04b tamper
-- The trigger itself writes where nobody isolates
INSERT INTO attacks.noted (secret) VALUES ('own-b');
-- state
SELECT count(*) FROM attacks.log;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM attacks.noted;

-- attack O04c tamper
-- A rule that writes where nobody isolates
INSERT INTO attacks.ruled (secret) VALUES ('own-b');
-- state
SELECT count(*) FROM attacks.forgotten;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM attacks.ruled;

-- attack O05 tamper
-- Master data that every tenant uses
UPDATE attacks.countries SET vat = 0;
-- state
SELECT sum(vat) FROM attacks.countries;
-- after
UPDATE attacks.countries SET vat = 19;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT vat FROM attacks.countries;

-- attack O06 tamper
-- The shared queue
DELETE FROM attacks.queue;
-- state
SELECT count(*) FROM attacks.queue;
-- after
INSERT INTO attacks.queue (secret) SELECT secret FROM attacks.accounts WHERE NOT EXISTS (SELECT FROM attacks.queue);
-- guarded: refused 42501
-- by hand: succeeds
-- control
DELETE FROM attacks.accounts RETURNING 1;
ROLLBACK;

-- attack O09 leak
-- A partition by its own name
SELECT secret FROM attacks.events_1;
-- guarded: harmless
-- by hand: succeeds
-- control
SELECT secret FROM attacks.events_1;

-- attack O10 tamper
-- DELETE from the partition
DELETE FROM attacks.events_1 WHERE tenant_id = '{a}';
-- state
SELECT count(*) FROM attacks.events WHERE tenant_id = '{a}';
-- after
INSERT INTO attacks.events SELECT tenant_id, balance, secret FROM attacks.accounts
 WHERE tenant_id = '{a}' AND NOT EXISTS (SELECT FROM attacks.events WHERE tenant_id = '{a}');
-- guarded: harmless
-- by hand: succeeds
-- control
UPDATE attacks.events_1 SET secret = secret RETURNING 1;

-- attack O11 leak
-- A partition that is tenant A's alone
SELECT secret FROM attacks.by_tenant_a;
-- guarded: harmless
-- by hand: succeeds
-- control
SELECT secret FROM attacks.by_tenant_b;

-- attack O13 leak
-- ONLY, TABLE and TABLESAMPLE of the parent
SELECT secret FROM ONLY attacks.accounts;
TABLE attacks.accounts;
SELECT secret FROM attacks.accounts TABLESAMPLE SYSTEM (100);
-- guarded: harmless
-- by hand: safe
-- control
TABLE attacks.accounts;

-- attack O14 tamper
-- UPDATE of an inheritance child
UPDATE attacks.old_items SET secret = 'gone' WHERE tenant_id = '{a}';
-- state
SELECT secret FROM ONLY attacks.old_items WHERE tenant_id = '{a}' ORDER BY account_id;
-- after
UPDATE attacks.old_items SET secret = 'canary-a-x' WHERE tenant_id = '{a}';
-- guarded: harmless
-- by hand: succeeds
-- control
UPDATE attacks.old_items SET secret = secret RETURNING 1;

-- attack O24 leak
-- A materialized view
SELECT secret FROM attacks.totals;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT max(secret) FROM attacks.accounts;

-- attack O25 tamper
-- A materialized view of one's own, for the others to read
CREATE MATERIALIZED VIEW attacks.mine AS SELECT * FROM attacks.accounts;
-- state
SELECT count(*) FROM pg_class WHERE relname = 'mine';
-- after
DROP MATERIALIZED VIEW IF EXISTS attacks.mine;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE mine ON COMMIT DROP AS SELECT * FROM attacks.accounts;
SELECT secret FROM mine;

-- attack O50 leak
-- A partition that was attached after the protection
-- before
CREATE TABLE attacks.events_2 (tenant_id text NOT NULL, at int NOT NULL, secret text);
INSERT INTO attacks.events_2 SELECT tenant_id, 10 + balance, secret FROM attacks.accounts;
GRANT ALL ON attacks.events_2 TO {role};
ALTER TABLE attacks.events ATTACH PARTITION attacks.events_2 FOR VALUES FROM (10) TO (20);
-- b
SELECT secret FROM attacks.events_2;
-- after
DROP TABLE attacks.events_2;
-- guarded: harmless
-- by hand: succeeds
-- control
SELECT secret FROM attacks.events;

-- attack O13b leak
-- The TOAST table of a protected one
DO $$ DECLARE r record; found text; BEGIN
  FOR r IN SELECT reltoastrelid::regclass AS name FROM pg_class WHERE oid = 'attacks.toasted'::regclass LOOP
    EXECUTE format('SELECT string_agg(convert_from(substr(chunk_data, 1, 20), ''UTF8''), '','') FROM %s', r.name) INTO found;
    RAISE EXCEPTION '%', found;
  END LOOP; END $$;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT length(secret) FROM attacks.toasted;

-- attack O26 leak
-- A superuser's view that joins protected tables
SELECT secret FROM attacks.report;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts_view;

-- attack O27 leak
-- A view of a role with BYPASSRLS
SELECT secret FROM attacks.bypass_view;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts_invoker;

-- attack O16 tamper
-- A superuser's view that can be updated
UPDATE attacks.super_view SET balance = 0 WHERE tenant_id = '{a}';
-- state
SELECT sum(balance) FROM attacks.accounts WHERE tenant_id = '{a}';
-- after
UPDATE attacks.accounts SET balance = 2 WHERE tenant_id = '{a}';
-- guarded: refused 42501
-- by hand: succeeds
-- control
UPDATE attacks.accounts_view SET balance = balance RETURNING secret;

-- attack O18 leak
-- Views of the tables' owner: plain, with a barrier, nested
SELECT secret FROM attacks.accounts_view;
SELECT secret FROM attacks.accounts_barrier;
SELECT secret FROM attacks.accounts_invoker;
-- guarded: harmless
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts_barrier;

-- attack O18b leak
-- A view over a view over what nobody protected
SELECT secret FROM attacks.nested_view;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts_view;

-- attack O21 leak
-- A leaky function against the barrier of a view
SELECT secret FROM attacks.accounts_barrier WHERE tenant_id = '{a}' AND attacks.leak(secret);
-- guarded: harmless
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts_barrier WHERE length(secret) > 0;

-- attack O22 leak
-- A leaky and cheap function before the isolation
SELECT secret FROM attacks.accounts WHERE tenant_id <> '{b}' AND attacks.leak(secret);
-- guarded: harmless
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts WHERE length(secret) > 0;

-- attack O23 oracle
-- Division by zero and casts in WHERE, evaluated before the isolation
SELECT 1 / (balance - balance) FROM attacks.accounts WHERE email = '{guess}' AND tenant_id <> '{b}';
SELECT email::int FROM attacks.accounts WHERE email = '{guess}' AND tenant_id <> '{b}';
-- guarded: harmless
-- by hand: safe
-- control
SELECT 1 / (balance + 1) FROM attacks.accounts;

-- attack O32 leak
-- A foreign table over a loopback connection with a superuser's mapping (needs postgres_fdw)
SELECT secret FROM attacks.remote;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack O31 leak
-- A foreign table over a file (needs file_fdw)
SELECT secret FROM attacks.exported;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack O37 leak
-- A foreign table of one's own on the server that is there (needs postgres_fdw)
CREATE FOREIGN TABLE attacks.peek (secret text) SERVER attacks_loopback OPTIONS (schema_name 'attacks', table_name 'accounts');
SELECT secret FROM attacks.peek;
ROLLBACK;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack O33 leak shows postgres
-- Credentials of user mappings (needs postgres_fdw)
SELECT umoptions::text FROM pg_user_mappings;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT count(*) FROM pg_class;

-- attack S08 leak
-- Joins, set operations, whole rows and aggregates over a protected table
SELECT a.secret FROM attacks.accounts a, LATERAL (SELECT * FROM attacks.items i WHERE i.account_id = a.id) i;
SELECT secret FROM attacks.accounts UNION ALL SELECT secret FROM attacks.items;
SELECT a FROM attacks.accounts a;
SELECT row_to_json(a) FROM attacks.accounts a;
SELECT array_agg(secret) FROM attacks.accounts;
WITH x AS MATERIALIZED (SELECT * FROM attacks.accounts) SELECT secret FROM x;
SELECT secret FROM attacks.accounts WHERE ctid >= '(0,0)';
-- guarded: harmless
-- by hand: safe
-- control
SELECT a FROM attacks.accounts a;

-- attack S08b leak
-- A forgotten table within a CTE, a subquery, a set operation
WITH x AS (SELECT secret FROM attacks.forgotten) SELECT (SELECT min(secret) FROM x) UNION SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
WITH x AS (SELECT secret FROM attacks.accounts) SELECT (SELECT max(secret) FROM x);

-- attack S09 leak
-- A forgotten table behind an SQL function that is inlined
SELECT secret FROM attacks.forgotten_inlined();
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT upper(secret) FROM attacks.accounts;

-- attack S09b leak
-- A forgotten table behind PL/pgSQL
SELECT attacks.forgotten_plpgsql();
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT upper(secret) FROM attacks.accounts;

-- attack S09c leak
-- A forgotten table behind an SQL-standard function body
SELECT attacks.forgotten_atomic();
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT upper(secret) FROM attacks.accounts;

-- attack S09d leak
-- A forgotten table behind the default of a temporary table
CREATE FUNCTION pg_temp.peek() RETURNS text LANGUAGE sql AS 'SELECT max(secret) FROM attacks.forgotten WHERE secret LIKE ''canary%''';
CREATE TEMPORARY TABLE peek (id int, secret text DEFAULT pg_temp.peek()) ON COMMIT DROP;
INSERT INTO peek VALUES (1) RETURNING secret;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE peek (id int, secret text DEFAULT 'x') ON COMMIT DROP;
INSERT INTO peek VALUES (1) RETURNING secret;

-- attack S07 leak
-- A cursor that a function opened on a forgotten table
SELECT attacks.forgotten_cursor();
FETCH ALL FROM given;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT attacks.accounts_cursor();
FETCH ALL FROM given;

-- attack S02 leak
-- Every readable table of the schema in one call
SELECT schema_to_xml('attacks', true, false, '')::text;
-- guarded: refused 42501 0A000
-- by hand: succeeds
-- control
SELECT table_to_xml('attacks.accounts', true, false, '')::text;

-- attack S03 leak
-- query_to_xml() of a forgotten table
SELECT query_to_xml('SELECT secret FROM attacks.forgotten', true, false, '')::text;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT query_to_xml('SELECT secret FROM attacks.accounts', true, false, '')::text;

-- attack S03b leak
-- cursor_to_xml()
DECLARE c CURSOR FOR SELECT secret FROM attacks.forgotten;
SELECT cursor_to_xml('c', 10, true, false, '')::text;
-- guarded: refused 42501
-- by hand: succeeds
-- control
DECLARE c CURSOR FOR SELECT secret FROM attacks.accounts;
SELECT cursor_to_xml('c', 10, true, false, '')::text;

-- attack S04 leak
-- ts_stat() runs a query given as text
SELECT word FROM ts_stat('SELECT array_to_tsvector(ARRAY[secret]) FROM attacks.forgotten');
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT word FROM ts_stat('SELECT array_to_tsvector(ARRAY[secret]) FROM attacks.accounts');

-- attack S04b leak
-- ts_rewrite() as well
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, quote_literal(max(secret))::tsquery FROM attacks.forgotten WHERE secret LIKE ''canary%''')::text;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, quote_literal(max(secret))::tsquery FROM attacks.accounts')::text;

-- attack S05 leak
-- attacks.crosstab() runs a query given as text (needs tablefunc)
SELECT * FROM attacks.crosstab('SELECT tenant_id, tenant_id, secret FROM attacks.forgotten ORDER BY 1') AS x (t text, secret text);
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT * FROM attacks.crosstab('SELECT tenant_id, tenant_id, secret FROM attacks.accounts ORDER BY 1') AS x (t text, secret text);

-- attack S05b leak
-- attacks.xpath_table() reads a table by its name (needs xml2)
SELECT * FROM attacks.xpath_table('secret', 'secret', 'attacks.forgotten', '/x', 'true') AS x (secret text, found text);
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT * FROM attacks.xpath_table('secret', '(''<x/>'')', 'attacks.accounts', '/x', 'true') AS x (secret text, found text);

-- attack S05c leak
-- attacks.connectby() reads a table by its name (needs tablefunc)
SELECT * FROM attacks.connectby('attacks.forgotten', 'secret', 'tenant_id', 'secret', '{a}', 1) AS x (key text, parent text, level int, pos int);
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack Y01 leak
-- COPY of a protected table
COPY attacks.accounts TO STDOUT;
-- guarded: harmless
-- by hand: safe
-- control
COPY attacks.accounts (secret) TO STDOUT;

-- attack Y02 leak
-- COPY of a forgotten table: it is never planned
COPY attacks.forgotten TO STDOUT;
-- guarded: refused 42501
-- by hand: succeeds
-- control
COPY attacks.countries TO STDOUT;

-- attack Y02b leak
-- COPY of a query over a forgotten table
COPY (SELECT secret FROM attacks.forgotten) TO STDOUT;
-- guarded: refused 42501
-- by hand: succeeds
-- control
COPY (SELECT secret FROM attacks.accounts) TO STDOUT;

-- attack Y05 leak
-- COPY of a partition
COPY attacks.by_tenant_a TO STDOUT;
-- guarded: harmless
-- by hand: succeeds
-- control
COPY attacks.by_tenant_b TO STDOUT;

-- attack Y05b leak
-- COPY of an inheritance child
COPY attacks.old_items TO STDOUT;
-- guarded: harmless
-- by hand: succeeds
-- control
COPY attacks.old_items TO STDOUT;

-- attack W03 leak
-- A parallel plan over a forgotten table
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT max(secret) FROM attacks.forgotten WHERE tenant_id = '{a}';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET LOCAL parallel_setup_cost = 0;
SELECT max(secret) FROM attacks.accounts;

-- attack D20 leak
-- A data-modifying CTE on a forgotten table
WITH taken AS (UPDATE attacks.forgotten SET secret = secret RETURNING secret) SELECT * FROM taken;
-- guarded: refused 42501
-- by hand: succeeds
-- control
WITH taken AS (UPDATE attacks.accounts SET secret = secret RETURNING secret) SELECT * FROM taken;

-- attack D21 tamper
-- MERGE that reads a forgotten table and writes to an own one
MERGE INTO attacks.accounts USING attacks.forgotten f ON false WHEN NOT MATCHED THEN INSERT (tenant_id, secret) VALUES ('{b}', f.secret);
-- state
SELECT count(*) FROM attacks.accounts WHERE tenant_id = '{b}' AND secret LIKE 'canary%';
-- after
DELETE FROM attacks.accounts WHERE tenant_id = '{b}' AND secret LIKE 'canary%';
-- guarded: refused 42501
-- by hand: succeeds
-- control
MERGE INTO attacks.accounts a USING attacks.countries c ON a.email = '1@b' AND c.code = 'DE' WHEN MATCHED THEN UPDATE SET secret = a.secret;
SELECT 1;

-- attack R13 tamper
-- The table that the role itself owns, because migrations ran as it
ALTER TABLE attacks.of_role DISABLE ROW LEVEL SECURITY;
-- state
SELECT relrowsecurity FROM pg_class WHERE oid = 'attacks.of_role'::regclass;
-- after
ALTER TABLE attacks.of_role ENABLE ROW LEVEL SECURITY;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.of_role;

-- attack R12 tamper
-- DDL on tables of others
ALTER TABLE attacks.accounts DISABLE ROW LEVEL SECURITY;
-- state
SELECT relrowsecurity FROM pg_class WHERE oid = 'attacks.accounts'::regclass;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts;

-- attack O40 tamper
-- TRUNCATE, which row security does not see
TRUNCATE attacks.items;
-- state
SELECT count(*) FROM ONLY attacks.items WHERE tenant_id = '{a}';
-- after
INSERT INTO attacks.items SELECT tenant_id, id, secret FROM attacks.accounts WHERE id NOT IN (SELECT account_id FROM ONLY attacks.items);
-- guarded: refused 42501
-- by hand: succeeds
-- control
DELETE FROM attacks.accounts RETURNING 1;
ROLLBACK;

-- attack O39 tamper
-- A trigger on a table that tenant A writes to
CREATE TRIGGER t BEFORE INSERT ON attacks.accounts FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
-- state
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'attacks.accounts'::regclass AND NOT tgisinternal;
-- after
DROP TRIGGER IF EXISTS t ON attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
INSERT INTO attacks.accounts (secret) VALUES ('own-b') RETURNING 1;

-- attack O42 oracle
-- A foreign key of one's own probes whether ids exist
CREATE TABLE attacks.probe (id bigint REFERENCES attacks.accounts);
INSERT INTO attacks.probe SELECT CASE '{guess}' WHEN '1@a' THEN 1 ELSE 99999 END;
ROLLBACK;
-- guarded: refused 42501
-- by hand: succeeds
-- control
INSERT INTO attacks.items (tenant_id, account_id) SELECT tenant_id, id FROM attacks.accounts RETURNING 1;

-- attack K21 tamper
-- A permanent table as a drop box between tenants
CREATE TABLE attacks.drop_box AS SELECT * FROM attacks.accounts;
-- state
SELECT count(*) FROM pg_class WHERE relname = 'drop_box';
-- after
DROP TABLE IF EXISTS attacks.drop_box;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE drop_box ON COMMIT DROP AS SELECT * FROM attacks.accounts;
SELECT secret FROM drop_box;

-- attack P01 leak
-- A statement that tenant A prepared, in SQL
-- first
\prepare own SELECT secret FROM attacks.accounts
\execute own
\execute own
\execute own
\execute own
\execute own
\execute own
\execute own
-- b
\execute own
-- guarded: harmless
-- by hand: safe
-- control
\prepare own SELECT secret FROM attacks.accounts
\execute own

-- attack P06 leak
-- A cursor that was opened before the token, on a forgotten table, and read after it
-- outside
BEGIN;
DECLARE early CURSOR FOR SELECT secret FROM attacks.forgotten;
FETCH ALL FROM early;
-- guarded: refused 42501
-- by hand: succeeds
-- control
DECLARE early CURSOR FOR SELECT secret FROM attacks.accounts;
FETCH ALL FROM early;

-- attack G32 leak
-- A deferred trigger on a temporary table runs the attacker's code at COMMIT
CREATE TEMPORARY TABLE late (id int PRIMARY KEY, secret text);
CREATE FUNCTION pg_temp.late() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', (SELECT max(secret) FROM attacks.forgotten WHERE secret LIKE 'canary%'); END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.late();
INSERT INTO late VALUES (1);
COMMIT;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE late (id int PRIMARY KEY, secret text) ON COMMIT DROP;
INSERT INTO late VALUES (1);
SELECT 1;

-- attack O19 leak
-- The owner's view over a table whose row security is not forced
SELECT secret FROM attacks.unforced_view;
-- guarded: harmless
-- by hand: succeeds
-- control
SELECT secret FROM attacks.unforced_view;

-- attack Y03 tamper
-- COPY FROM a program of the server
COPY attacks.forgotten FROM PROGRAM 'true';
-- state
SELECT count(*) FROM attacks.forgotten;
-- guarded: refused 42501
-- by hand: safe
-- control
COPY (SELECT secret FROM attacks.accounts) TO STDOUT;

-- attack O20 leak
-- A temporary view over a forgotten table
CREATE TEMPORARY VIEW mine AS SELECT secret FROM attacks.forgotten;
SELECT secret FROM mine;
-- guarded: refused 42501
-- by hand: succeeds
-- control
WITH mine AS (SELECT secret FROM attacks.accounts) SELECT secret FROM mine;

-- attack O24b leak
-- A materialized view of one's own over a forgotten table
CREATE MATERIALIZED VIEW attacks.mine AS SELECT secret FROM attacks.forgotten;
SELECT secret FROM attacks.mine;
ROLLBACK;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE mine ON COMMIT DROP AS SELECT secret FROM attacks.accounts;
SELECT secret FROM mine;

-- attack F01 leak
-- The action of a foreign key between temporary tables evaluates a default that reads a forgotten table: while the
-- server runs its own query
CREATE TEMPORARY TABLE parent (id text PRIMARY KEY) ON COMMIT DROP;
CREATE TEMPORARY TABLE child (id text DEFAULT query_to_xml('SELECT secret FROM attacks.forgotten', true, false, '')::text
                              REFERENCES parent ON DELETE SET DEFAULT) ON COMMIT DROP;
INSERT INTO parent VALUES ('x');
INSERT INTO child VALUES ('x');
DELETE FROM parent;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE parent (id text PRIMARY KEY) ON COMMIT DROP;
CREATE TEMPORARY TABLE child (id text DEFAULT (query_to_xml('SELECT secret FROM attacks.accounts', true, false, '') IS NULL)::text
                              REFERENCES parent ON DELETE SET DEFAULT) ON COMMIT DROP;
INSERT INTO parent VALUES ('x'), ('false');
INSERT INTO child VALUES ('x');
DELETE FROM parent WHERE id = 'x';
SELECT id FROM child;

-- attack F02 leak
-- The same with a table that the role owns: row security is not forced on owners in that query
CREATE TEMPORARY TABLE parent (id text PRIMARY KEY) ON COMMIT DROP;
CREATE TEMPORARY TABLE child (id text REFERENCES parent ON UPDATE CASCADE,
                              CHECK (id = 'x' OR query_to_xml('SELECT secret FROM attacks.of_role', true, false, '')::text::int > 0)) ON COMMIT DROP;
INSERT INTO parent VALUES ('x');
INSERT INTO child VALUES ('x');
UPDATE parent SET id = 'y';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.of_role;

-- attack F03 leak
-- A cascade fires the owner's BEFORE trigger, which reads as the owner, on whom row security is not forced meanwhile
DELETE FROM attacks.accounts WHERE email = '1@b';
ROLLBACK;
-- before
CREATE FUNCTION attacks.least() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'The least is %.', (SELECT min(secret) FROM attacks.accounts); END $$;
CREATE TRIGGER least BEFORE DELETE ON attacks.items FOR EACH ROW EXECUTE FUNCTION attacks.least();
-- after
DROP FUNCTION attacks.least CASCADE;
-- guarded: refused 42501
-- by hand: succeeds
-- control
DELETE FROM attacks.accounts WHERE email = '1@b' RETURNING 1;
ROLLBACK;

-- attack F04 leak
-- The action of a foreign key fails on a row of tenant A that refers to one's own, and the error quotes it, also to
-- PL/pgSQL
DO $$
DECLARE detail text;
BEGIN
    DELETE FROM attacks.accounts WHERE email = '1@b';
EXCEPTION WHEN not_null_violation THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RAISE EXCEPTION '%', detail;
END $$;
-- before
CREATE TABLE attacks.claims (tenant_id text, account_id bigint NOT NULL REFERENCES attacks.accounts ON DELETE SET NULL, secret text);
ALTER TABLE attacks.claims OWNER TO attacks_owner;
INSERT INTO attacks.claims SELECT '{a}', id, 'canary-a' FROM attacks.accounts WHERE email = '1@b';
-- after
DROP TABLE attacks.claims;
-- guarded: refused P0001
-- by hand: succeeds
-- control
DELETE FROM attacks.accounts WHERE email = '1@b' RETURNING 1;
ROLLBACK;
