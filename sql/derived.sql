-- protect_via: tables without a tenant column, isolated through their foreign keys. What a tenant sees is
-- compared with an explicit join over all rows.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE SCHEMA saas;
SET tenant_guard.auto_protect = off;
CREATE SCHEMA "Other ""schema";
CREATE TABLE saas.orders (tenant_id uuid NOT NULL, id int PRIMARY KEY, region text, number int, UNIQUE (region, number));
CREATE TABLE saas.items (id int PRIMARY KEY, "Order" int REFERENCES saas.orders, v text);
CREATE TABLE "Other ""schema"."tenant_guard_parent" (id int PRIMARY KEY, item int NOT NULL REFERENCES saas.items, v text);
CREATE TABLE saas.shipments (region text, number int, v text,
  CONSTRAINT of_order FOREIGN KEY (region, number) REFERENCES saas.orders (region, number));
CREATE TABLE saas.transfers (id int, v text, source int CONSTRAINT source_key REFERENCES saas.orders,
                             target int CONSTRAINT target_key REFERENCES saas.orders);
CREATE TABLE saas.log (id int, "order" int REFERENCES saas.orders, v text) PARTITION BY RANGE (id);
CREATE TABLE saas.log_1 PARTITION OF saas.log FOR VALUES FROM (0) TO (100);
CREATE TABLE saas.loose (id int, "order" int);
CREATE TABLE saas.open (id int PRIMARY KEY);
CREATE TABLE saas.of_open (open int REFERENCES saas.open);
INSERT INTO saas.orders
  SELECT CASE WHEN i % 2 = 0 THEN :'acme' ELSE :'globex' END::uuid, i, 'r' || i % 3, i FROM generate_series(1, 60) i;
INSERT INTO saas.items SELECT i, CASE WHEN i % 7 = 0 THEN NULL ELSE 1 + i * 37 % 60 END, 'item ' || i FROM generate_series(1, 300) i;
INSERT INTO "Other ""schema"."tenant_guard_parent" SELECT i, 1 + i * 53 % 300, 'note ' || i FROM generate_series(1, 600) i;
INSERT INTO saas.shipments SELECT 'r' || i % 3, i, 'shipment ' || i FROM generate_series(1, 60) i;
INSERT INTO saas.transfers SELECT i, 'transfer ' || i, i, 61 - i FROM generate_series(1, 60) i;
INSERT INTO saas.log SELECT i, 1 + i % 60, 'log ' || i FROM generate_series(1, 99) i;
GRANT USAGE ON SCHEMA saas, "Other ""schema" TO regress_tg_app;
GRANT ALL ON ALL TABLES IN SCHEMA saas, "Other ""schema" TO regress_tg_app;
CREATE TABLE before AS
  SELECT c.oid::regclass AS relation, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text,
         (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies FROM pg_class c
   WHERE c.relnamespace IN ('saas'::regnamespace, '"Other ""schema"'::regnamespace) AND c.relkind IN ('r', 'p');

RESET tenant_guard.auto_protect;
SELECT count(*) FROM tenant_guard.protect('saas.orders');

-- Refused, and nothing is left half done.
SELECT * FROM tenant_guard.protect_via('saas.loose', 'saas.orders');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tenant_guard.protect_via('saas.of_open', 'saas.open');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tenant_guard.protect_via('saas.transfers', 'saas.orders');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tenant_guard.protect_via('saas.transfers', 'saas.orders', 'no_such_key');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tenant_guard.protect_via('saas.orders', 'saas.orders');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tenant_guard.protect_via(NULL, 'saas.orders');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tenant_guard.protect_via('pg_class', 'saas.orders');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
SELECT relation, status FROM tenant_guard.protection WHERE status <> 'unprotected' ORDER BY 1::text;

-- What it runs, and that it changes nothing when it is run again.
SELECT * FROM tenant_guard.protect_via('saas.items', 'saas.orders') \gx
SELECT count(*) FROM tenant_guard.protect_via('"Other ""schema".tenant_guard_parent', 'saas.items');
SELECT count(*) FROM tenant_guard.protect_via('saas.shipments', 'saas.orders');
SELECT count(*) FROM tenant_guard.protect_via('saas.transfers', 'saas.orders', 'target_key');
SELECT relation, action FROM tenant_guard.protect_via('saas.log', 'saas.orders');
SELECT count(*) FROM tenant_guard.protect_via('saas.items', 'saas.orders');
SELECT count(*) FROM tenant_guard.protect_via('saas.transfers', 'saas.orders');
SELECT count(*) FROM tenant_guard.protect_via('saas.log', 'saas.orders');
SELECT * FROM tenant_guard.protect_via('saas.transfers', 'saas.orders', 'source_key');
SELECT * FROM tenant_guard.protect('saas.items', 'v');
SELECT tenant_guard.declare_shared('saas.items', 'x');
SELECT relation, status, tenant_column, findings, how FROM tenant_guard.protection ORDER BY relation::text;

-- A partition made later, and one attached, are protected with their parent.
CREATE TABLE saas.log_2 PARTITION OF saas.log FOR VALUES FROM (100) TO (200);
CREATE TABLE saas.log_3 (id int, "order" int, v text);
INSERT INTO saas.log_3 VALUES (201, 1, 'attached'), (202, 2, 'attached');
ALTER TABLE saas.log ATTACH PARTITION saas.log_3 FOR VALUES FROM (200) TO (300);
SELECT relation, status, how FROM tenant_guard.protection WHERE relation::text ~ 'log' ORDER BY relation::text;
GRANT ALL ON ALL TABLES IN SCHEMA saas TO regress_tg_app;

-- The answer of an explicit join, for each tenant: no row too many, no row too few.
CREATE VIEW expected AS
  SELECT o.tenant_id, 'items' AS what, i.v FROM saas.items i JOIN saas.orders o ON o.id = i."Order"
  UNION ALL SELECT o.tenant_id, 'notes', n.v FROM "Other ""schema".tenant_guard_parent n
    JOIN saas.items i ON i.id = n.item JOIN saas.orders o ON o.id = i."Order"
  UNION ALL SELECT o.tenant_id, 'shipments', s.v FROM saas.shipments s JOIN saas.orders o USING (region, number)
  UNION ALL SELECT o.tenant_id, 'transfers', t.v FROM saas.transfers t JOIN saas.orders o ON o.id = t.target
  UNION ALL SELECT o.tenant_id, 'log', l.v FROM saas.log l JOIN saas.orders o ON o.id = l."order";
CREATE TABLE seen (tenant_id uuid DEFAULT tenant_guard.tenant_id_uuid(), what text, v text);
GRANT ALL ON seen TO regress_tg_app;
CREATE PROCEDURE look() LANGUAGE sql AS $$ INSERT INTO seen (what, v)
  SELECT 'items', v FROM saas.items UNION ALL SELECT 'notes', v FROM "Other ""schema".tenant_guard_parent
  UNION ALL SELECT 'shipments', v FROM saas.shipments UNION ALL SELECT 'transfers', v FROM saas.transfers
  UNION ALL SELECT 'log', v FROM saas.log $$;
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
CALL look();
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
CALL look();
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT what, count(DISTINCT tenant_id) AS tenants, count(*) FROM seen GROUP BY what ORDER BY what;
(SELECT 'too few', * FROM expected EXCEPT ALL SELECT 'too few', * FROM seen)
UNION ALL (SELECT 'too many', * FROM seen EXCEPT ALL SELECT 'too many', * FROM expected);

-- Writing: into one's own order, and into nobody else's.
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO saas.items VALUES (1000, 2, 'own') RETURNING v;
SAVEPOINT a;
INSERT INTO saas.items VALUES (1001, 1, 'of globex');
ROLLBACK TO a;
INSERT INTO saas.items VALUES (1001, NULL, 'of nobody');
ROLLBACK TO a;
UPDATE saas.items SET "Order" = 1 WHERE id = 1000;
ROLLBACK TO a;
UPDATE saas.items SET v = 'mine' WHERE id = 1000 RETURNING v;
WITH gone AS (DELETE FROM saas.log WHERE id < 90 RETURNING "order" % 2 AS remainder)
SELECT remainder, count(*) > 0 AS some FROM gone GROUP BY 1;
ROLLBACK TO a;
SELECT count(*) > 0 AS own_rows_of_the_partition FROM saas.log_3;
COPY (SELECT v FROM saas.log_3) TO STDOUT;
ROLLBACK;
SELECT count(*) AS without_a_token FROM saas.items;
RESET SESSION AUTHORIZATION;

-- What holds it cannot be taken away, not even by the owner of the tables.
ALTER TABLE saas.items DISABLE ROW LEVEL SECURITY;
ALTER TABLE saas.items NO FORCE ROW LEVEL SECURITY;
DROP POLICY tenant_guard_isolation ON saas.items;
ALTER TABLE saas.items DROP CONSTRAINT "items_Order_fkey";
ALTER TABLE saas.items RENAME CONSTRAINT "items_Order_fkey" TO other;
ALTER TABLE saas.orders DROP CONSTRAINT orders_pkey CASCADE;
DROP TABLE saas.orders CASCADE;
SELECT * FROM tenant_guard.unprotect('saas.orders');
SELECT * FROM tenant_guard.unprotect('saas.log_1');
-- Columns may be renamed: the key is what counts.
ALTER TABLE saas.items RENAME "Order" TO order_id;
ALTER TABLE saas.orders RENAME id TO order_id;
ALTER TABLE saas.orders ADD COLUMN later text;
SELECT count(*) FROM tenant_guard.protect_via('saas.items', 'saas.orders');

-- Dropped behind the extension's back, the policy is missed, and no row is seen through another that allows all;
-- without the foreign key there is no condition, and guarded transactions are refused the relation.
CREATE POLICY everything ON saas.items USING (true);
SET allow_system_table_mods = on;
DELETE FROM pg_depend WHERE classid = 'pg_policy'::regclass AND objid = (
  SELECT oid FROM pg_policy WHERE polrelid = 'saas.items'::regclass AND polname = 'tenant_guard_isolation');
DELETE FROM pg_policy WHERE polrelid = 'saas.items'::regclass AND polname = 'tenant_guard_isolation';
UPDATE pg_class SET relname = relname WHERE oid = 'saas.items'::regclass;
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT o.tenant_id, count(*) > 0 AS some FROM saas.items i JOIN saas.orders o USING (order_id) GROUP BY 1;
SELECT count(*) FROM saas.items WHERE order_id IS NULL;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT action FROM tenant_guard.protect_via('saas.items', 'saas.orders');
BEGIN;
ALTER EVENT TRIGGER tenant_guard_forget_dropped_relations DISABLE;
ALTER TABLE saas.orders DROP CONSTRAINT orders_pkey CASCADE;
SET SESSION AUTHORIZATION regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT count(*) FROM saas.items;
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- And back, exactly.
DROP POLICY everything ON saas.items;
SELECT relation, action FROM tenant_guard.unprotect('saas.log');
SELECT count(*) FROM tenant_guard.unprotect('saas.transfers');
SELECT count(*) FROM tenant_guard.unprotect('saas.shipments');
SELECT * FROM tenant_guard.unprotect('saas.items');
SELECT count(*) FROM tenant_guard.unprotect('"Other ""schema".tenant_guard_parent');
SELECT count(*) FROM tenant_guard.unprotect('saas.items');
SELECT count(*) FROM tenant_guard.unprotect('saas.orders');
SELECT b.relation FROM before b JOIN pg_class c ON c.oid = b.relation
 WHERE (c.relrowsecurity, c.relforcerowsecurity) IS DISTINCT FROM (b.relrowsecurity, b.relforcerowsecurity)
    OR (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) <> b.policies;

DROP SCHEMA saas, "Other ""schema" CASCADE;
DROP PROCEDURE look;
DROP TABLE seen, before;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app;
DELETE FROM tenant_guard.signing_keys;
