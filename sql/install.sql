-- The extension itself: what happens when it is missing, dropped, half dropped or of another version.
-- Nothing of this may ever open a relation or let a token through.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never
SET client_min_messages = warning;

CREATE ROLE regress_tg_app;
GRANT USAGE ON SCHEMA public TO regress_tg_app;
SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea);

-- The version of the library is the version of the extension, not more and not less.
SELECT tenant_guard.library_version() = extversion AS same_version
  FROM pg_extension WHERE extname = 'tenant_guard';

CREATE TABLE open_to_all (tenant_id uuid NOT NULL, secret text);
CREATE POLICY everybody ON open_to_all USING (true) WITH CHECK (true);
CREATE TABLE own_rows (tenant_id uuid NOT NULL, secret text);
CREATE TABLE parts (tenant_id uuid NOT NULL, n int) PARTITION BY RANGE (n);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE POLICY everybody ON parts USING (true);
CREATE POLICY everybody ON parts_1 USING (true);
GRANT ALL ON open_to_all, own_rows, parts, parts_1 TO regress_tg_app;
INSERT INTO open_to_all VALUES (:'acme', 'acme'), (:'globex', 'globex');
INSERT INTO own_rows VALUES (:'acme', 'acme'), (:'globex', 'globex');
INSERT INTO parts VALUES (:'acme', 1), (:'globex', 2);

CREATE FUNCTION visible() RETURNS TABLE (relation text, visible_rows bigint) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH relation IN ARRAY ARRAY['open_to_all', 'own_rows', 'parts', 'parts_1'] LOOP
    BEGIN
      EXECUTE format('SELECT count(*) FROM %I', relation) INTO visible_rows;
      RETURN NEXT;
    EXCEPTION WHEN OTHERS THEN
      relation := relation || ': ' || SQLSTATE;
      visible_rows := NULL;
      RETURN NEXT;
    END;
  END LOOP;
END $$;

-- Control: a tenant sees its row of each.
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT tenant_guard.authenticate(:'a_hs');
SELECT * FROM visible();
ROLLBACK;
-- Without a token nobody sees anything.
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT * FROM visible();
ROLLBACK;

-- DROP EXTENSION alone is refused while relations are protected.
\set VERBOSITY terse
DROP EXTENSION tenant_guard;
-- So is taking parts of it away.
DROP FUNCTION tenant_guard.tenant_id_uuid();
DROP TABLE tenant_guard.relations CASCADE;
DROP EVENT TRIGGER tenant_guard_protect_new_relations;
\set VERBOSITY default
-- The ways around DROP EXTENSION, which would not close what was protected, are refused.
DROP SCHEMA tenant_guard CASCADE;
DROP EXTENSION plpgsql CASCADE;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT * FROM visible();
ROLLBACK;

-- A half-dropped extension: no token is verified, and nothing protected is shown.
BEGIN;
ALTER TABLE tenant_guard.relations RENAME TO mislaid;
SET LOCAL ROLE regress_tg_app;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
BEGIN;
ALTER TABLE tenant_guard.signing_keys RENAME TO mislaid;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
BEGIN;
SELECT tenant_guard.guard_role('regress_tg_app', 'always');
ALTER FUNCTION tenant_guard.authenticate(text) RENAME TO mislaid;
SET LOCAL ROLE regress_tg_app;
SELECT count(*) FROM open_to_all;
ROLLBACK;
BEGIN;
SELECT tenant_guard.guard_role('regress_tg_app', 'always');
UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'tenant_guard';
ALTER FUNCTION tenant_guard.subject() COST 2;
SET LOCAL ROLE regress_tg_app;
\set VERBOSITY terse
SELECT count(*) FROM open_to_all;
\set VERBOSITY default
ROLLBACK;
-- Control: put back, all is as it was.
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT tenant_guard.authenticate(:'a_hs');
SELECT * FROM visible();
ROLLBACK;

-- An extension of another version than the library.
BEGIN;
UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'tenant_guard';
ALTER FUNCTION tenant_guard.subject() COST 2;
SELECT regexp_replace(detail, 'library .*,', 'library X,') AS detail, ok
  FROM tenant_guard.health() WHERE "check" = 'version';
\set VERBOSITY terse
SELECT tenant_guard.authenticate(:'a_hs');
\set VERBOSITY default
ROLLBACK;

-- DROP EXTENSION ... CASCADE takes our policies with it: permissive policies of others must not open
-- what was protected.
DROP EXTENSION tenant_guard CASCADE;
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
       array_agg(p.polname ORDER BY p.polname) AS policies
  FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
 WHERE c.relname IN ('open_to_all', 'own_rows', 'parts', 'parts_1')
 GROUP BY c.oid ORDER BY c.relname;
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT * FROM visible();
INSERT INTO open_to_all VALUES (gen_random_uuid(), 'nobody''s');
ROLLBACK;
-- New permissive policies do not open it either.
CREATE POLICY everybody_again ON own_rows USING (true);
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT * FROM visible();
ROLLBACK;
-- The library without the extension: a guarded role is refused, and not waved through.
BEGIN;
SET LOCAL tenant_guard.enforce = 'always';
SET LOCAL ROLE regress_tg_app;
SELECT count(*) FROM open_to_all;
ROLLBACK;
BEGIN;
SET LOCAL tenant_guard.token = :'a_hs';
ROLLBACK;
-- The setting is as unforgeable as before.
SET tenant_guard.tenant_id = 'acme';
SELECT set_config('tenant_guard.tenant_id', 'acme', true);

-- Installed again: keys are gone, protection comes back with one call, and nothing was widened.
CREATE EXTENSION tenant_guard;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;
SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea);
SELECT relation, action FROM tenant_guard.protect_all();
BEGIN;
SET LOCAL ROLE regress_tg_app;
SELECT tenant_guard.authenticate(:'a_hs');
SELECT * FROM visible();
ROLLBACK;
SELECT count(*) AS left_to_do FROM tenant_guard.protect_all();
SELECT relation, status, findings - 'no index leads with the tenant column' AS findings
  FROM (SELECT relation, status, to_jsonb(findings) AS findings FROM tenant_guard.protection) p
 WHERE relation::text IN ('open_to_all', 'own_rows', 'parts', 'parts_1') ORDER BY relation::text;

-- Dropped with nothing protected, no CASCADE is needed.
DROP TABLE open_to_all, own_rows, parts;
DROP EXTENSION tenant_guard;
CREATE EXTENSION tenant_guard;

-- Another schema is not possible: the names are what policies and applications call.
DROP EXTENSION tenant_guard;
CREATE EXTENSION tenant_guard SCHEMA public;
CREATE EXTENSION IF NOT EXISTS tenant_guard;
\set VERBOSITY terse
ALTER EXTENSION tenant_guard SET SCHEMA public;
\set VERBOSITY default

DROP FUNCTION visible();
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app;
