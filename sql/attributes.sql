-- restrict_by_attribute: beside the tenant, a column has one of the values that the token allows.
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
GRANT USAGE ON SCHEMA saas TO regress_tg_app;
CREATE DOMAIN saas.zone AS text;
CREATE TABLE saas.sales (tenant_id uuid NOT NULL, region text, "Zone" saas.zone, code char(4), name varchar(10), store int,
                         small smallint, big bigint, rate numeric(6,2), vip boolean, team uuid, note json);
INSERT INTO saas.sales
  SELECT t, r, r, r, r, n, n, n, n / 2.0, n = 3, t, NULL FROM (VALUES (:'acme'::uuid), (:'globex')) AS tenants (t),
    (VALUES ('EU', 7), ('AMER', 9), ('APAC', 3), ('EU ', 8), (NULL, NULL)) AS regions (r, n);
GRANT ALL ON saas.sales TO regress_tg_app;

-- Refused.
\set VERBOSITY default
CREATE TABLE saas.apart (region text);
SELECT * FROM tenant_guard.restrict_by_attribute('saas.apart', 'region', 'region');
SELECT * FROM tenant_guard.restrict_by_attribute('saas.sales', 'no_column', 'region');
SELECT * FROM tenant_guard.restrict_by_attribute('saas.sales', 'note', 'region');
SELECT * FROM tenant_guard.restrict_by_attribute('saas.sales', 'tableoid', 'region');
SELECT * FROM tenant_guard.restrict_by_attribute('saas.sales', 'region', '');
SELECT * FROM tenant_guard.restrict_by_attribute(NULL, 'region', 'region');
SELECT * FROM tenant_guard.unrestrict('saas.sales', 'region');
\set VERBOSITY default
SELECT count(*) FROM tenant_guard.attribute_restrictions;

-- What it runs; again, it runs nothing.
SELECT * FROM tenant_guard.restrict_by_attribute('saas.sales', 'region', 'regions') \gx
SELECT * FROM tenant_guard.restrict_by_attribute('saas.sales', 'region', 'regions');
SELECT count(*) FROM tenant_guard.protect('saas.sales');
SELECT status, findings, how FROM tenant_guard.protection WHERE relation = 'saas.sales'::regclass;

-- What a tenant sees, by what its token says. An array allows each of its elements; a null among them equals nothing.
CREATE FUNCTION saas.seen() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(string_agg(coalesce(quote_literal(region), 'null'), ' ' ORDER BY region), 'nothing') FROM saas.sales $$;
CREATE PROCEDURE saas.restrict_to(column_name name, attribute text) LANGUAGE plpgsql AS $$
DECLARE old record;
BEGIN
  FOR old IN SELECT DISTINCT r.column_name FROM tenant_guard.attribute_restrictions r LOOP
    PERFORM FROM tenant_guard.unrestrict('saas.sales', old.column_name);
  END LOOP;
  PERFORM FROM tenant_guard.restrict_by_attribute('saas.sales', column_name, attribute);
END $$;
CREATE FUNCTION saas.try(column_name name, attribute text, token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  CALL saas.restrict_to(column_name, attribute);
  BEGIN
    SET LOCAL ROLE regress_tg_app;
    PERFORM tenant_guard.authenticate(token);
    result := saas.seen();
    RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = result;
  EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE = 'UNDO0' THEN result ELSE SQLSTATE || ': ' || SQLERRM END;
  END;
END $$;
SELECT c.column_name, c.attribute, saas.try(c.column_name, c.attribute, :'a_typed') AS seen FROM (VALUES
  ('region', 'region'), ('region', 'regions'), ('region', 'padded'), ('region', 'missing'), ('region', 'nothing'),
  ('region', 'none'), ('region', 'object'), ('region', 'nested'), ('region', 'vip'), ('region', 'store'),
  ('Zone', 'region'), ('name', 'regions'), ('code', 'region'),
  ('store', 'store'), ('store', 'stores'), ('small', 'stores'), ('big', 'stores'), ('store', 'half'), ('store', 'huge'),
  ('store', 'words'), ('store', 'missing'), ('store', 'region'), ('store', 'vip'),
  ('rate', 'rate'), ('rate', 'words'), ('rate', 'none'),
  ('vip', 'vip'), ('vip', 'flags'), ('vip', 'region'), ('vip', 'missing'),
  ('team', 'team'), ('team', 'region'), ('team', 'missing'),
  ('region', 'a''b\c"'), ('region', '{}')) AS c (column_name, attribute);
SELECT saas.try('region', 'region', :'a_bare') AS without_attributes, saas.try('region', 'region', :'b_hs') AS globex;

-- Several hold together, on one column or on several.
CALL saas.restrict_to('region', 'regions');
SELECT FROM tenant_guard.restrict_by_attribute('saas.sales', 'store', 'store');
SELECT how FROM tenant_guard.protection WHERE relation = 'saas.sales'::regclass;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT saas.seen();
-- Writing is restricted as reading is.
\set VERBOSITY sqlstate
SAVEPOINT a;
INSERT INTO saas.sales (region, store) VALUES ('EU', 7) RETURNING region, tenant_id = :'acme' AS own;
ROLLBACK TO a;
INSERT INTO saas.sales (region, store) VALUES ('EU', 9);
ROLLBACK TO a;
INSERT INTO saas.sales (region, store) VALUES ('APAC', 7);
ROLLBACK TO a;
INSERT INTO saas.sales (store) VALUES (7);
ROLLBACK TO a;
UPDATE saas.sales SET store = 9;
ROLLBACK TO a;
UPDATE saas.sales SET rate = 0 RETURNING region;
DELETE FROM saas.sales RETURNING region;
ROLLBACK;
\set VERBOSITY default
SELECT FROM tenant_guard.restrict_by_attribute('saas.sales', 'region', 'region');
SELECT how FROM tenant_guard.protection WHERE relation = 'saas.sales'::regclass;
SELECT relation, action, statement FROM tenant_guard.unrestrict('saas.sales', 'region', 'regions') WHERE action = 'unrestrict';
SELECT * FROM tenant_guard.unrestrict('saas.sales', 'region', 'regions');
SELECT how FROM tenant_guard.protection WHERE relation = 'saas.sales'::regclass;

-- An index on the restricted column is used, for scalars and arrays alike.
CALL saas.restrict_to('store', 'stores');
INSERT INTO saas.sales (tenant_id, store) SELECT :'acme', i FROM generate_series(100, 5000) i;
CREATE INDEX sales_store ON saas.sales (store);
ANALYZE saas.sales;
CREATE FUNCTION saas.conditions_of_index() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXPLAIN (COSTS off) SELECT * FROM saas.sales LOOP
    IF line ~ 'Index Cond' THEN RETURN NEXT btrim(line); END IF;
  END LOOP;
END $$;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT saas.conditions_of_index();
SELECT array_agg(store ORDER BY store) FROM saas.sales;
COMMIT;

-- A plan that is kept asks the token anew each time.
CALL saas.restrict_to('region', 'region');
CREATE FUNCTION saas.regions() RETURNS SETOF text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT region FROM saas.sales WHERE region IS NOT NULL ORDER BY region;
END $$;
SET SESSION AUTHORIZATION regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT saas.regions();
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_admin');
SELECT saas.regions();
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_bare');
SELECT saas.regions();
-- Another token of the same tenant takes effect at once.
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT saas.regions();
COMMIT;
RESET SESSION AUTHORIZATION;

-- The key of a result cache differs by what the restriction looks at.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT tenant_guard.cache_key('q') AS typed \gset
SELECT FROM tenant_guard.authenticate(:'a_admin');
SELECT tenant_guard.cache_key('q') AS admin \gset
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT :'typed' <> :'admin' AS differs, :'typed' = tenant_guard.cache_key('q') AS same_again;
ROLLBACK;
SELECT digest AS restricted FROM tenant_guard.policies_in_force() \gset
CALL saas.restrict_to('name', 'region');
SELECT :'restricted' <> digest AS other_policies FROM tenant_guard.policies_in_force();
CALL saas.restrict_to('region', 'region');

-- It cannot be taken away by DDL.
\set VERBOSITY terse
ALTER TABLE saas.sales DROP COLUMN region CASCADE;
ALTER TABLE saas.sales RENAME region TO district;
ALTER TABLE saas.sales ALTER COLUMN region TYPE varchar;
DROP POLICY tenant_guard_isolation ON saas.sales;
ALTER POLICY tenant_guard_isolation ON saas.sales USING (tenant_id = tenant_guard.tenant_id_uuid());
DROP TABLE tenant_guard.attribute_restrictions CASCADE;
-- CREATE POLICY of what is there, as a dump has it, takes a narrower condition over and no wider one.
BEGIN;
CREATE POLICY tenant_guard_isolation ON saas.sales AS RESTRICTIVE USING (true);
CREATE POLICY tenant_guard_isolation ON saas.sales AS RESTRICTIVE
  USING (tenant_id = tenant_guard.tenant_id_uuid() OR region = 'EU' AND vip);
SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'saas.sales'::regclass AND NOT polpermissive;
CREATE POLICY tenant_guard_isolation ON saas.sales AS RESTRICTIVE USING (tenant_id = tenant_guard.tenant_id_uuid() AND vip);
SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'saas.sales'::regclass AND NOT polpermissive;
ROLLBACK;
-- Control: other columns are free.
BEGIN;
ALTER TABLE saas.sales DROP COLUMN name;
ALTER TABLE saas.sales RENAME rate TO percentage;
ROLLBACK;
-- Dropped behind the extension's back, it holds all the same.
CREATE POLICY everything ON saas.sales USING (true);
CREATE PROCEDURE saas.tamper() LANGUAGE sql AS $$
UPDATE pg_policy SET polqual = (SELECT polqual FROM pg_policy WHERE polname = 'everything' AND polrelid = 'saas.sales'::regclass)
 WHERE polname = 'tenant_guard_isolation' AND polrelid = 'saas.sales'::regclass;
UPDATE pg_class SET relname = relname WHERE oid = 'saas.sales'::regclass $$;
BEGIN;
SET LOCAL allow_system_table_mods = on;
CALL saas.tamper();
SAVEPOINT a;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT saas.seen();
ROLLBACK TO a;
SELECT action FROM tenant_guard.protect('saas.sales');
ROLLBACK;
DROP POLICY everything ON saas.sales;
-- A column that is gone all the same leaves nothing to see.
BEGIN;
UPDATE tenant_guard.attribute_restrictions SET column_name = 'gone';
SELECT * FROM tenant_guard.protect('saas.sales');
ROLLBACK;
BEGIN;
UPDATE tenant_guard.attribute_restrictions SET column_name = 'gone';
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT count(*) FROM saas.sales;
ROLLBACK;
-- Without its table nobody is authenticated.
BEGIN;
ALTER TABLE tenant_guard.attribute_restrictions RENAME TO mislaid;
SELECT tenant_guard.authenticate(:'a_typed');
ROLLBACK;
\set VERBOSITY default

-- Partitions and children, those that are there and those that come; a relation that is protected through another.
CREATE TABLE saas.events (tenant_id uuid NOT NULL, region text, day int) PARTITION BY RANGE (day);
CREATE TABLE saas.events_1 PARTITION OF saas.events FOR VALUES FROM (0) TO (10) PARTITION BY LIST (region);
CREATE TABLE saas.events_1_eu PARTITION OF saas.events_1 FOR VALUES IN ('EU');
SELECT relation, action FROM tenant_guard.restrict_by_attribute('saas.events', 'region', 'region') WHERE action = 'restrict';
SELECT * FROM tenant_guard.restrict_by_attribute('saas.events_1', 'day', 'store');
CREATE TABLE saas.events_1_rest PARTITION OF saas.events_1 DEFAULT;
CREATE TABLE saas.events_2 (tenant_id uuid NOT NULL, region text, day int);
SELECT count(*) AS by_itself FROM tenant_guard.attribute_restrictions WHERE relation = 'saas.events_2'::regclass;
INSERT INTO saas.events_2 VALUES (:'acme', 'EU', 10), (:'acme', 'AMER', 10), (:'globex', 'EU', 10);
ALTER TABLE saas.events ATTACH PARTITION saas.events_2 FOR VALUES FROM (10) TO (20);
CREATE TABLE saas.events_3 (tenant_id uuid NOT NULL, region text, day int) PARTITION BY LIST (region);
CREATE TABLE saas.events_3_eu PARTITION OF saas.events_3 FOR VALUES IN ('EU');
ALTER TABLE saas.events ATTACH PARTITION saas.events_3 FOR VALUES FROM (20) TO (30);
CREATE TABLE saas.items (id int PRIMARY KEY, tenant_id uuid);
CREATE TABLE saas.lines (item int REFERENCES saas.items, region text) PARTITION BY LIST (region);
INSERT INTO saas.items VALUES (1, :'acme'), (2, :'globex');
SELECT count(*) FROM tenant_guard.protect_via('saas.lines', 'saas.items');
SELECT relation, action FROM tenant_guard.restrict_by_attribute('saas.lines', 'region', 'region');
CREATE TABLE saas.lines_1 PARTITION OF saas.lines FOR VALUES IN ('EU', 'AMER');
INSERT INTO saas.lines VALUES (1, 'EU'), (1, 'AMER'), (2, 'EU');
SELECT relation, status, how FROM tenant_guard.protection WHERE relation::text ~ 'events|lines' ORDER BY relation::text;
GRANT ALL ON ALL TABLES IN SCHEMA saas TO regress_tg_app;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT 'events' AS what, region, count(*) FROM saas.events GROUP BY 2
UNION ALL SELECT 'events_2', region, count(*) FROM saas.events_2 GROUP BY 2
UNION ALL SELECT 'lines', region, count(*) FROM saas.lines GROUP BY 2
UNION ALL SELECT 'lines_1', region, count(*) FROM saas.lines_1 GROUP BY 2;
ROLLBACK;
ALTER TABLE saas.events DETACH PARTITION saas.events_2;
SELECT count(*) FROM tenant_guard.protect_all();

-- And back: with unprotect() or by themselves.
SELECT relation, action FROM tenant_guard.unrestrict('saas.lines', 'region') WHERE action = 'unrestrict';
SELECT relation, action FROM tenant_guard.unprotect('saas.events') WHERE action = 'unrestrict';
SELECT relation, action FROM tenant_guard.unprotect('saas.events_2') WHERE action = 'unrestrict';
DROP TABLE saas.sales;
SELECT * FROM tenant_guard.attribute_restrictions;

-- Administrators may, others not; everybody may ask for their own attributes.
SET ROLE regress_tg_app;
\set VERBOSITY terse
SELECT tenant_guard.restrict_by_attribute('saas.items', 'id', 'x');
SELECT tenant_guard.unrestrict('saas.items', 'id');
SELECT * FROM tenant_guard.attribute_restrictions;
BEGIN;
SELECT tenant_guard.attribute_texts('region') IS NULL AS without_context;
SELECT FROM tenant_guard.authenticate(:'a_typed');
SELECT tenant_guard.attribute_texts('regions'), tenant_guard.attribute_bigints('stores'), tenant_guard.attribute_numerics('rate'),
       tenant_guard.attribute_booleans('flags'), tenant_guard.attribute_uuids('team') = ARRAY[:'acme']::uuid[] AS team,
       tenant_guard.attribute_texts(NULL);
-- What a call answered stays good when the context changes under it.
SELECT a, tenant_guard.authenticate(t) = :'acme' AS again, tenant_guard.attribute_texts('region') AS b
  FROM (VALUES (tenant_guard.attribute_texts('region'), :'a_admin'), (tenant_guard.attribute_texts('regions'), :'a_typed')) AS v (a, t);
ROLLBACK;
RESET ROLE;

DROP SCHEMA saas CASCADE;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app;
DELETE FROM tenant_guard.signing_keys;
