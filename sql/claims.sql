-- What SQL reads of the context, and the key for a result cache.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE ROLE regress_tg_app_two;
CREATE TABLE orders (tenant_id uuid NOT NULL, v text);
GRANT SELECT ON orders TO regress_tg_app, regress_tg_app_two;
SET ROLE regress_tg_app;

-- Without a context everything is NULL, and nothing an error.
SELECT tenant_guard.tenant_id() IS NULL AND tenant_guard.tenant_id_uuid() IS NULL
   AND tenant_guard.tenant_id_bigint() IS NULL AND tenant_guard.tenant_id_int() IS NULL
   AND tenant_guard.subject() IS NULL AND tenant_guard.claims() IS NULL
   AND tenant_guard.claim('sub') IS NULL AND tenant_guard.attribute('role') IS NULL AS nothing;
-- A cache key without a tenant would be everybody's: an error.
SELECT tenant_guard.cache_key('SELECT 1');

BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
SELECT tenant_guard.tenant_id(), tenant_guard.tenant_id_uuid(), tenant_guard.subject();
SELECT tenant_guard.claims();
SELECT tenant_guard.claim('sub') AS sub, tenant_guard.claim('exp') AS exp,
       tenant_guard.claim('user_attributes', 'role') AS role,
       tenant_guard.claim('user_attributes') AS object,
       tenant_guard.claim('absent') IS NULL AS absent, tenant_guard.claim('sub', 'deeper') IS NULL AS deeper,
       tenant_guard.claim(NULL) IS NULL AS null_name, tenant_guard.claim(VARIADIC '{}'::text[]) IS NOT NULL AS whole;
SELECT tenant_guard.attribute('role') AS role, tenant_guard.attribute('region') AS region,
       tenant_guard.attribute('absent') IS NULL AS absent, tenant_guard.attribute(NULL) IS NULL AS null_name,
       tenant_guard.attribute('') IS NULL AS empty, tenant_guard.attribute('ROLE') IS NULL AS case_matters;
-- Claims of the payload are not attributes, and not the other way round.
SELECT tenant_guard.attribute('sub') IS NULL AS no_attribute, tenant_guard.claim('role') IS NULL AS no_claim;
\set ON_ERROR_ROLLBACK on
SELECT tenant_guard.tenant_id_bigint();
SELECT tenant_guard.tenant_id_int();
\set ON_ERROR_ROLLBACK off
COMMIT;
BEGIN;
SELECT tenant_guard.authenticate(:'t_big');
SELECT tenant_guard.tenant_id(), tenant_guard.tenant_id_bigint(), tenant_guard.tenant_id_int();
\set ON_ERROR_ROLLBACK on
SELECT tenant_guard.tenant_id_uuid();
\set ON_ERROR_ROLLBACK off
COMMIT;
BEGIN;
SELECT tenant_guard.authenticate(:'a_bare');
SELECT tenant_guard.attribute('role') IS NULL AS no_attributes, tenant_guard.subject();
COMMIT;
BEGIN;
SELECT tenant_guard.authenticate(:'no_sub');
SELECT tenant_guard.subject() IS NULL AS no_subject, tenant_guard.attribute('role');
COMMIT;
-- The claims of one transaction are not left for the next.
SELECT tenant_guard.claims() IS NULL AND tenant_guard.attribute('role') IS NULL AND tenant_guard.subject() IS NULL AS nothing;
BEGIN;
SAVEPOINT s;
SELECT FROM tenant_guard.authenticate(:'a_admin');
SELECT tenant_guard.attribute('role');
ROLLBACK TO s;
SELECT tenant_guard.attribute('role') IS NULL AS nothing;
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT tenant_guard.attribute('role'), tenant_guard.attribute('region'), tenant_guard.subject();
COMMIT;
RESET ROLE;

--
-- cache_key
--
CREATE TABLE keys (who text, key text);
SELECT tenant_guard.declare_shared('keys', 'notes of this test', writable => true);
GRANT SELECT, INSERT ON keys TO regress_tg_app, regress_tg_app_two;
SET ROLE regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT tenant_guard.cache_key('SELECT 1') ~ '^[0-9a-f]{64}$' AS shape,
       tenant_guard.cache_key('SELECT 1') = tenant_guard.cache_key('SELECT 1') AS repeats,
       tenant_guard.cache_key('SELECT 1', 'a', NULL) = tenant_guard.cache_key('SELECT 1', 'a', NULL) AS repeats_with;
-- All of these are different questions.
INSERT INTO keys SELECT 'acme ' || n, key FROM unnest(ARRAY[
  tenant_guard.cache_key('SELECT 1'), tenant_guard.cache_key('SELECT 2'), tenant_guard.cache_key(''),
  tenant_guard.cache_key('SELECT 1 '), tenant_guard.cache_key('SELECT 1', ''),
  tenant_guard.cache_key('SELECT 1', VARIADIC ARRAY[NULL]::text[]), tenant_guard.cache_key('SELECT 1', '', ''),
  tenant_guard.cache_key('SELECT 1', NULL, ''), tenant_guard.cache_key('SELECT 1', '', NULL),
  tenant_guard.cache_key('SELECT 1', 'a', 'b'), tenant_guard.cache_key('SELECT 1', 'ab'),
  tenant_guard.cache_key('SELECT 1', 'ab', ''), tenant_guard.cache_key('SELECT 1', 'a,b'),
  tenant_guard.cache_key('SELECT 1', 'b', 'a'), tenant_guard.cache_key('SELECT 1', 'N'),
  tenant_guard.cache_key('SELECT 1', 'NULL'), tenant_guard.cache_key('SELECT 1a'),
  tenant_guard.cache_key('SELECT 1', '1:a')]) WITH ORDINALITY AS k (key, n);
\set ON_ERROR_ROLLBACK on
SELECT tenant_guard.cache_key(NULL);
SELECT tenant_guard.cache_key('SELECT 1', VARIADIC NULL);
\set ON_ERROR_ROLLBACK off
COMMIT;
-- Another tenant, other attributes, no attributes, another role.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'b_hs');
INSERT INTO keys SELECT 'globex', tenant_guard.cache_key('SELECT 1');
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_admin');
INSERT INTO keys SELECT 'acme, admin', tenant_guard.cache_key('SELECT 1');
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_bare');
INSERT INTO keys SELECT 'acme, no attributes', tenant_guard.cache_key('SELECT 1');
COMMIT;
RESET ROLE;
SET ROLE regress_tg_app_two;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO keys SELECT 'acme, another role', tenant_guard.cache_key('SELECT 1');
COMMIT;
RESET ROLE;
-- Policies and declarations that change.
CREATE POLICY sees_all ON orders USING (true);
SET ROLE regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO keys SELECT 'acme, a policy more', tenant_guard.cache_key('SELECT 1');
COMMIT;
RESET ROLE;
ALTER POLICY sees_all ON orders USING (v <> '');
SET ROLE regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO keys SELECT 'acme, a policy changed', tenant_guard.cache_key('SELECT 1');
COMMIT;
RESET ROLE;
DROP POLICY sees_all ON orders;
CREATE TABLE shared_later (v text);
SELECT tenant_guard.declare_shared('shared_later', 'reference data');
SET ROLE regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
INSERT INTO keys SELECT 'acme, a declaration more', tenant_guard.cache_key('SELECT 1');
COMMIT;
RESET ROLE;
SELECT count(*) AS keys, count(DISTINCT key) AS different FROM keys;
SELECT array_agg(who) AS collision FROM keys GROUP BY key HAVING count(*) > 1;
-- All as at first, the key is as at first; a new token of the same user changes nothing.
SELECT tenant_guard.undeclare_shared('shared_later');
SET ROLE regress_tg_app;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT tenant_guard.cache_key('SELECT 1') = (SELECT key FROM keys WHERE who = 'acme 1') AS as_at_first;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT tenant_guard.cache_key('SELECT 1') = (SELECT key FROM keys WHERE who = 'acme 1') AS as_at_first;
-- Without policies that look at the subject, the users of a tenant with equal attributes share.
SELECT FROM tenant_guard.authenticate(:'no_sub');
SELECT tenant_guard.cache_key('SELECT 1') = (SELECT key FROM keys WHERE who = 'acme 1') AS as_at_first;
COMMIT;
RESET ROLE;
-- With one, they do not; whether it calls subject() itself or through a function of the application.
CREATE POLICY own_rows ON orders AS RESTRICTIVE USING (v = tenant_guard.subject());
CREATE FUNCTION key_of(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  key text;
BEGIN
  PERFORM tenant_guard.authenticate(token);
  key := tenant_guard.cache_key('SELECT 1');
  RAISE EXCEPTION USING ERRCODE = 'UA000', MESSAGE = key;
EXCEPTION WHEN SQLSTATE 'UA000' THEN RETURN SQLERRM; END $$;
SET ROLE regress_tg_app;
BEGIN;
SELECT key_of(:'a_hs') <> key_of(:'no_sub') AS by_subject;
COMMIT;
RESET ROLE;
DROP POLICY own_rows ON orders;
CREATE FUNCTION who() RETURNS text LANGUAGE sql STABLE AS 'SELECT tenant_guard.subject()';
CREATE FUNCTION setting() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN tenant_guard.claim('sub'); END $$;
CREATE POLICY own_rows ON orders AS RESTRICTIVE USING (v = who());
SET ROLE regress_tg_app;
BEGIN;
SELECT key_of(:'a_hs') <> key_of(:'no_sub') AS by_subject;
COMMIT;
RESET ROLE;
ALTER POLICY own_rows ON orders USING (v = setting());
SET ROLE regress_tg_app;
BEGIN;
SELECT key_of(:'a_hs') <> key_of(:'no_sub') AS by_claim;
COMMIT;
RESET ROLE;
ALTER POLICY own_rows ON orders USING (v = tenant_guard.claims() ->> 'sub');
SET ROLE regress_tg_app;
BEGIN;
SELECT key_of(:'a_hs') <> key_of(:'no_sub') AS by_claims;
COMMIT;
RESET ROLE;
DROP POLICY own_rows ON orders;
-- So they do not when the query itself, or a view that it reads, looks at the subject.
CREATE VIEW own_orders AS SELECT * FROM orders WHERE v = tenant_guard.subject();
SET ROLE regress_tg_app;
BEGIN;
SELECT key_of(:'a_hs') <> key_of(:'no_sub') AS by_subject_in_a_view;
COMMIT;
RESET ROLE;

DROP VIEW own_orders;
DROP TABLE orders, keys, shared_later;
DROP FUNCTION key_of, who, setting;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app, regress_tg_app_two;
DROP ROLE regress_tg_app, regress_tg_app_two;
