-- secure_view: a materialized view or foreign table is read through a view that filters by tenant, and in no other way.
\getenv abs_srcdir PG_ABS_SRCDIR
\getenv abs_builddir PG_ABS_BUILDDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set file :abs_builddir '/results/secure_views.csv'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE ROLE regress_tg_owner;
CREATE ROLE regress_tg_refresher BYPASSRLS;
CREATE SCHEMA saas AUTHORIZATION regress_tg_refresher;
GRANT USAGE, CREATE ON SCHEMA saas TO regress_tg_owner;
GRANT USAGE ON SCHEMA saas TO regress_tg_app;
CREATE TABLE saas.sales (tenant_id uuid NOT NULL, region text, amount int);
ALTER TABLE saas.sales OWNER TO regress_tg_refresher;
INSERT INTO saas.sales SELECT t, r, n FROM (VALUES (:'acme'::uuid, 1), (:'globex', 100)) AS tenants (t, n),
  (VALUES ('EU'), ('AMER')) AS regions (r);
SET ROLE regress_tg_refresher;
CREATE MATERIALIZED VIEW saas.totals AS SELECT tenant_id, region, sum(amount)::numeric AS total FROM saas.sales GROUP BY 1, 2;
CREATE MATERIALIZED VIEW saas."Odd ""totals" AS SELECT tenant_id AS "Tenant Id", count(*) AS n FROM saas.sales GROUP BY 1;
GRANT SELECT ON saas.totals, saas."Odd ""totals" TO regress_tg_app;
RESET ROLE;

-- Refused.
\set VERBOSITY default
SELECT * FROM tenant_guard.secure_view('saas.sales');
SELECT * FROM tenant_guard.secure_view('saas."Odd ""totals"');
SELECT * FROM tenant_guard.secure_view('saas.totals', NULL, 'total');
SELECT * FROM tenant_guard.secure_view('saas.totals', 'saas.sales');
SELECT * FROM tenant_guard.secure_view('saas.totals', 'a.b.c');
SELECT * FROM tenant_guard.secure_view(NULL);
\set VERBOSITY terse
SELECT tenant_guard.declare_shared('saas.totals', 'all may see it');
SELECT * FROM tenant_guard.secure_view('saas.totals');
SELECT tenant_guard.undeclare_shared('saas.totals');
SELECT count(*) FROM tenant_guard.secure_views;

-- Made; again, it changes nothing.
SELECT * FROM tenant_guard.secure_view('saas.totals') \gx
SELECT * FROM tenant_guard.secure_view('saas.totals');
SELECT action, statement FROM tenant_guard.secure_view('saas."Odd ""totals"', '"The view"', 'Tenant Id');
SELECT * FROM tenant_guard.secure_view('saas.totals', 'other');
SELECT relation, kind, status, tenant_column, reason, how, findings FROM tenant_guard.protection
 WHERE kind <> 'table' ORDER BY relation::text;

-- A tenant reads its rows through it, however the statement is written, and no other way.
CREATE VIEW saas.onto AS SELECT region, total FROM saas.totals_secure WHERE total > 0;
SET ROLE regress_tg_refresher;
CREATE VIEW saas.beside AS SELECT * FROM saas.totals;
CREATE FUNCTION saas.inlined() RETURNS SETOF saas.totals LANGUAGE sql STABLE AS 'SELECT * FROM saas.totals';
CREATE FUNCTION saas.definer() RETURNS SETOF saas.totals LANGUAGE plpgsql SECURITY DEFINER AS
  'BEGIN RETURN QUERY SELECT * FROM saas.totals; END';
GRANT SELECT ON saas.beside TO regress_tg_app;
RESET ROLE;
GRANT SELECT ON saas.onto, saas.sales TO regress_tg_app;
GRANT UPDATE ON saas.totals_secure TO regress_tg_app;
CREATE FUNCTION saas.try(query text, token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  IF token = '' THEN PERFORM tenant_guard.guard_role('regress_tg_app'); END IF;
  SET LOCAL ROLE regress_tg_app;
  IF token <> '' THEN PERFORM tenant_guard.authenticate(token); END IF;
  EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY q::text) FROM (%s) q', query) INTO result;
  RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = coalesce(result, 'nothing');
EXCEPTION WHEN OTHERS THEN
  RETURN CASE WHEN SQLSTATE = 'UNDO0' THEN SQLERRM ELSE SQLSTATE || ': ' || SQLERRM END;
END $$;
SELECT query, saas.try(query, :'a_hs') AS seen FROM (VALUES
  ('SELECT region, total FROM saas.totals_secure'), ('SELECT "Tenant Id" IS NOT NULL AS own, n FROM saas."The view"'),
  ('SELECT * FROM saas.onto'), ('SELECT a.total FROM saas.totals_secure a JOIN saas.totals_secure b USING (region)'),
  ('SELECT count(*) FROM saas.totals_secure a JOIN saas.sales USING (tenant_id, region)'),
  ('WITH t AS MATERIALIZED (SELECT total FROM saas.totals_secure) SELECT * FROM t UNION ALL SELECT * FROM t'),
  ('SELECT total FROM saas.totals_secure WHERE region IN (SELECT region FROM saas.onto) OR total < 0'),
  ('SELECT total FROM saas.totals_secure WHERE false'), ('SELECT 1 WHERE EXISTS (SELECT FROM saas.totals_secure)'),
  ('SELECT total FROM saas.totals'), ('SELECT total FROM saas.beside'), ('SELECT total FROM saas.inlined()'),
  ('SELECT total FROM saas.definer()'), ('SELECT b.total FROM saas.totals_secure, saas.beside b'),
  ('SELECT b.total FROM saas.totals_secure, saas.totals b'), ('SELECT total FROM saas.onto UNION SELECT total FROM saas.beside'),
  ('SELECT b.total FROM saas.totals_secure s, saas.totals_secure t, saas.beside b'),
  ('SELECT total, (SELECT max(total) FROM saas.beside) FROM saas.totals_secure'),
  ('SELECT total FROM saas.totals_secure FOR UPDATE')) AS v (query);
SELECT saas.try('SELECT total FROM saas.totals_secure', :'b_hs') AS by_globex,
       saas.try('SELECT total FROM saas.totals_secure', '') AS by_nobody;
-- The message says what to do.
\set VERBOSITY default
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM saas.totals;
ROLLBACK;
\set VERBOSITY terse
-- An entry of the view without its query does not count.
CREATE FUNCTION saas.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER instead INSTEAD OF INSERT ON saas.totals_secure FOR EACH ROW EXECUTE FUNCTION saas.nothing();
GRANT INSERT ON saas.totals_secure TO regress_tg_app;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO saas.totals_secure SELECT * FROM saas.totals_secure;
INSERT INTO saas.totals_secure SELECT * FROM saas.beside;
ROLLBACK;
DROP TRIGGER instead ON saas.totals_secure;

-- Trusted while it is as it was made. A plan that is kept notices.
CREATE FUNCTION saas.cached() RETURNS TABLE (total numeric) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN RETURN QUERY SELECT s.total FROM saas.totals_secure s; END $$;
GRANT EXECUTE ON FUNCTION saas.cached TO regress_tg_app;
CREATE FUNCTION saas.after(change text, token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE before text; changed text; mended text; findings text;
BEGIN
  before := saas.try('SELECT total FROM saas.cached()', token);
  EXECUTE change;
  changed := saas.try('SELECT total FROM saas.cached()', token) || '; ' || saas.try('SELECT total FROM saas.totals_secure', token);
  findings := (SELECT p.findings FROM tenant_guard.protection p WHERE p.relation = 'saas.totals'::regclass);
  PERFORM tenant_guard.secure_view('saas.totals');
  mended := saas.try('SELECT total FROM saas.totals_secure', token);
  RETURN concat_ws(' | ', before, changed, findings, mended);
END $$;
\pset format unaligned
SELECT c, saas.after(c, :'a_hs') FROM (VALUES
  ('CREATE OR REPLACE VIEW saas.totals_secure WITH (security_barrier) AS SELECT * FROM saas.totals'),
  ('CREATE OR REPLACE VIEW saas.totals_secure WITH (security_barrier) AS SELECT * FROM saas.totals WHERE tenant_id = tenant_guard.tenant_id_uuid() OR true'),
  ('CREATE OR REPLACE VIEW saas.totals_secure WITH (security_barrier) AS SELECT * FROM saas.totals WHERE tenant_id IS NOT NULL'),
  ('CREATE OR REPLACE VIEW saas.totals_secure WITH (security_barrier) AS SELECT * FROM saas.totals_secure'),
  ('CREATE OR REPLACE VIEW saas.totals_secure WITH (security_barrier) AS SELECT b.* FROM saas.totals a, saas.totals b WHERE a.tenant_id = tenant_guard.tenant_id_uuid()'),
  ('CREATE OR REPLACE VIEW saas.totals_secure WITH (security_barrier) AS SELECT tenant_id, region, (SELECT max(total) FROM saas.totals) AS total FROM saas.totals WHERE tenant_id = tenant_guard.tenant_id_uuid()'),
  ('CREATE OR REPLACE VIEW saas.totals_secure WITH (security_barrier) AS SELECT * FROM saas.totals WHERE tenant_id = tenant_guard.tenant_id_uuid() UNION ALL SELECT * FROM saas.totals'),
  ('CREATE OR REPLACE VIEW saas.totals_secure WITH (security_barrier) AS SELECT * FROM saas.beside WHERE tenant_id = tenant_guard.tenant_id_uuid()'),
  ('ALTER VIEW saas.totals_secure RESET (security_barrier)'),
  ('ALTER VIEW saas.totals_secure SET (security_invoker)')) AS v (c);
\pset format aligned
-- Another owner: the view is not the relation's any more.
GRANT SELECT ON saas.totals TO regress_tg_owner;
ALTER VIEW saas.totals_secure OWNER TO regress_tg_owner;
SELECT saas.try('SELECT total FROM saas.totals_secure', :'a_hs');
SELECT action FROM tenant_guard.secure_view('saas.totals');
-- Renamed, it is the same view; so it is with its columns in another order of reading.
ALTER VIEW saas.totals_secure RENAME TO of_tenant;
SELECT saas.try('SELECT total, region FROM saas.of_tenant', :'a_hs');
SELECT count(*) FROM tenant_guard.secure_view('saas.totals');
ALTER VIEW saas.of_tenant RENAME TO totals_secure;

-- Restrictions by attribute are a part of it.
SELECT action, statement FROM tenant_guard.restrict_by_attribute('saas.totals', 'region', 'region');
SELECT count(*) FROM tenant_guard.restrict_by_attribute('saas.totals', 'region', 'region');
SELECT saas.try('SELECT total FROM saas.totals_secure', :'a_hs') AS eu, saas.try('SELECT total FROM saas.totals_secure', :'b_hs') AS amer,
       saas.try('SELECT total FROM saas.totals_secure', :'a_bare') AS none;
SELECT how FROM tenant_guard.protection WHERE relation = 'saas.totals'::regclass;
BEGIN;
INSERT INTO tenant_guard.attribute_restrictions VALUES ('saas.totals', 'total', 'total');
SELECT saas.try('SELECT total FROM saas.totals_secure', :'a_hs') AS declared_and_not_in_the_view;
ROLLBACK;
SELECT action FROM tenant_guard.unrestrict('saas.totals', 'region');
SELECT saas.try('SELECT total FROM saas.totals_secure', :'a_hs') AS eu_and_amer;

-- What its owner refreshes without rows shows none, and the view says so.
SET ROLE regress_tg_refresher;
REFRESH MATERIALIZED VIEW saas.totals;
RESET ROLE;
SELECT saas.try('SELECT total FROM saas.totals_secure', :'a_hs') AS refreshed_by_a_role_that_bypasses;
ALTER MATERIALIZED VIEW saas.totals OWNER TO regress_tg_owner;
GRANT SELECT ON saas.sales TO regress_tg_owner;
SELECT action FROM tenant_guard.secure_view('saas.totals');
REFRESH MATERIALIZED VIEW saas.totals;
SELECT saas.try('SELECT total FROM saas.totals_secure', :'a_hs') AS refreshed_by_one_that_does_not;
SELECT findings FROM tenant_guard.protection WHERE relation = 'saas.totals'::regclass;

-- A foreign table, for reading.
COPY saas.sales TO :'file' CSV;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE saas.remote (tenant_id uuid, region text, amount int) SERVER files OPTIONS (filename :'file', format 'csv');
GRANT SELECT, UPDATE ON saas.remote TO regress_tg_app;
SELECT action FROM tenant_guard.secure_view('saas.remote', 'of_remote');
SELECT saas.try('SELECT region, amount FROM saas.of_remote', :'a_hs'), saas.try('SELECT region, amount FROM saas.remote', :'a_hs'),
       saas.try('SELECT amount FROM saas.remote FOR UPDATE', :'a_hs');
GRANT UPDATE ON saas.of_remote TO regress_tg_app;
SELECT saas.try('SELECT amount FROM saas.of_remote FOR UPDATE', :'a_hs');

-- DROP VIEW takes it back; without the table nobody is authenticated; who may.
DROP VIEW saas.of_remote;
DROP MATERIALIZED VIEW saas.totals CASCADE;
SELECT relation, view FROM tenant_guard.secure_views;
SELECT relation, status, reason FROM tenant_guard.protection WHERE relation = 'saas.remote'::regclass;
SELECT saas.try('SELECT region FROM saas.remote', :'a_hs');
BEGIN;
ALTER TABLE tenant_guard.secure_views RENAME TO mislaid;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
SET ROLE regress_tg_refresher;
SELECT * FROM tenant_guard.secure_view('saas."Odd ""totals"');
SELECT * FROM tenant_guard.secure_views;
RESET ROLE;

DROP EXTENSION file_fdw CASCADE;
DROP SCHEMA saas CASCADE;
DROP OWNED BY regress_tg_app, regress_tg_owner, regress_tg_refresher;
DROP ROLE regress_tg_app, regress_tg_owner, regress_tg_refresher;
DELETE FROM tenant_guard.signing_keys;
