-- The context as a setting: nobody can set it, whatever the way, superusers included. A setting that
-- could be set would be the tenant of whoever sets it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE ROLE regress_tg_super SUPERUSER;
CREATE TABLE numbers (tenant_id uuid NOT NULL, n int);
INSERT INTO numbers VALUES (:'acme', 1), (:'globex', 2);
GRANT SELECT ON numbers TO regress_tg_app;

-- Runs a statement and says what came of it, and who is the tenant then.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN format('allowed; tenant "%s", %s rows', current_setting('tenant_guard.tenant_id'),
                (SELECT count(*) FROM public.numbers));
EXCEPTION WHEN OTHERS THEN
  RETURN format('%s; tenant "%s", %s rows', SQLSTATE, current_setting('tenant_guard.tenant_id'),
                (SELECT count(*) FROM public.numbers));
END $$;
-- A superuser's careless gift: sets anything for anybody.
CREATE FUNCTION set_anything(name text, value text, is_local boolean) RETURNS text
  LANGUAGE sql SECURITY DEFINER AS $$ SELECT set_config(name, value, is_local) $$;
CREATE FUNCTION run_anything(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN EXECUTE statement; END $$;
ALTER FUNCTION set_anything OWNER TO regress_tg_super;
ALTER FUNCTION run_anything OWNER TO regress_tg_super;
CREATE VIEW attacks AS SELECT * FROM (VALUES
  (1, $$SET tenant_guard.tenant_id = 'forged'$$),
  (2, $$SET SESSION tenant_guard.tenant_id = 'forged'$$),
  (3, $$SET LOCAL tenant_guard.tenant_id = 'forged'$$),
  (4, $$SET tenant_guard.tenant_id TO DEFAULT$$),
  (5, $$SET LOCAL tenant_guard.tenant_id TO DEFAULT$$),
  (6, $$RESET tenant_guard.tenant_id$$),
  (7, $$RESET "Tenant_Guard.TENANT_ID"$$),
  (8, $$SET LOCAL tenant_guard.tenant_id = ''$$),
  (9, $$SET tenant_guard.tenant_id FROM CURRENT$$),
  (10, $$SET LOCAL "TENANT_GUARD.tenant_id" = 'forged'$$),
  (11, $$SELECT set_config('tenant_guard.tenant_id', 'forged', true)$$),
  (12, $$SELECT set_config('tenant_guard.tenant_id', 'forged', false)$$),
  (13, $$SELECT set_config('tenant_guard.tenant_id', '', true)$$),
  (14, $$SELECT set_config('tenant_guard.tenant_id', NULL, true)$$),
  (15, $$SELECT set_config('tenant_guard.tenant_id', NULL, false)$$),
  (16, $$SELECT set_config('TENANT_GUARD.Tenant_ID', 'forged', true)$$),
  (17, $$SELECT set_config('tenant_guard.tenant_id', '1;9223372036854775807;0;6:forged0:0:0:2:{}', true)$$),
  (18, $$UPDATE pg_settings SET setting = 'forged' WHERE name = 'tenant_guard.tenant_id'$$),
  (19, $$SET tenant_guard.tenant = 'forged'$$),
  (20, $$SELECT set_config('tenant_guard.tenant_id ', 'forged', true)$$),
  (21, $$SET LOCAL tenant_guard.token = 'forged'$$),
  (22, $$SELECT public.set_anything('tenant_guard.tenant_id', 'forged', true)$$),
  (23, $$SELECT public.set_anything('tenant_guard.tenant_id', 'forged', false)$$),
  (24, $$SELECT public.run_anything('RESET tenant_guard.tenant_id')$$),
  (25, $$SELECT public.run_anything('SET tenant_guard.tenant_id = ''forged''')$$),
  (26, $$SELECT public.run_anything('SET LOCAL tenant_guard.tenant_id TO DEFAULT')$$),
  (27, $$ALTER ROLE regress_tg_app SET tenant_guard.tenant_id = 'forged'$$),
  (28, $$SELECT public.run_anything('ALTER ROLE regress_tg_app SET tenant_guard.tenant_id = ''forged''')$$),
  (29, $$CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql SET tenant_guard.tenant_id = 'forged' AS 'SELECT tenant_guard.tenant_id()'$$)
  ) AS a (number, statement);

-- By the application, without a context and with one: never forged, and never lost in silence.
CREATE FUNCTION all_attacks(attacks text[]) RETURNS TABLE (number int, verdict text) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. cardinality(attacks) LOOP
    number := i;
    verdict := public.try(attacks[i]);
    RETURN NEXT;
  END LOOP;
END $$;
SELECT array_agg(statement ORDER BY number) AS attacks FROM attacks \gset
SET SESSION AUTHORIZATION regress_tg_app;
SELECT * FROM all_attacks(:'attacks');
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT * FROM all_attacks(:'attacks');
SELECT tenant_guard.tenant_id() = :'acme' AS still_acme, n FROM numbers;
COMMIT;
SELECT * FROM all_attacks(:'attacks');
RESET SESSION AUTHORIZATION;

-- At the top level, with messages.
SET SESSION AUTHORIZATION regress_tg_app;
SET tenant_guard.tenant_id = 'forged';
RESET tenant_guard.tenant_id;
SELECT set_config('tenant_guard.tenant_id', 'forged', true);
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
RESET ALL;
SHOW tenant_guard.tenant_id;
RESET tenant_guard.tenant_id;
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
DISCARD ALL;
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SET LOCAL tenant_guard.tenant_id = 'forged';
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- By a superuser: nobody can forge it either.
\set VERBOSITY sqlstate
SET tenant_guard.tenant_id = 'forged';
SET LOCAL tenant_guard.tenant_id = 'forged';
RESET tenant_guard.tenant_id;
SELECT set_config('tenant_guard.tenant_id', 'forged', false);
ALTER ROLE regress_tg_app SET tenant_guard.tenant_id = 'forged';
ALTER ROLE ALL SET tenant_guard.tenant_id = 'forged';
ALTER ROLE regress_tg_app SET tenant_guard.tenant_id FROM CURRENT;
ALTER SYSTEM SET tenant_guard.tenant_id = 'forged';
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET tenant_guard.tenant_id = ''forged''', current_database());
END $$;
DO $$ BEGIN
  EXECUTE format('ALTER ROLE regress_tg_app IN DATABASE %I SET tenant_guard.tenant_id = ''forged''',
                 current_database());
END $$;
CREATE FUNCTION forged() RETURNS text LANGUAGE sql SET tenant_guard.tenant_id = 'forged' AS $$
  SELECT tenant_guard.tenant_id() $$;
CREATE FUNCTION emptied() RETURNS text LANGUAGE sql SET tenant_guard.tenant_id = '' AS $$
  SELECT tenant_guard.tenant_id() $$;
CREATE FUNCTION later() RETURNS text LANGUAGE sql AS $$ SELECT tenant_guard.tenant_id() $$;
ALTER FUNCTION later() SET tenant_guard.tenant_id = 'forged';
\set VERBOSITY default
SELECT count(*) FROM pg_db_role_setting WHERE array_to_string(setconfig, ' ') ~ 'tenant_guard';
SELECT count(*) FROM pg_proc WHERE array_to_string(proconfig, ' ') ~ 'tenant_guard';

-- FROM CURRENT would keep a verified tenant for later transactions.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
\set ON_ERROR_ROLLBACK on
\set VERBOSITY sqlstate
CREATE FUNCTION keeps() RETURNS text LANGUAGE sql SET tenant_guard.tenant_id FROM CURRENT AS $$
  SELECT tenant_guard.tenant_id() $$;
ALTER FUNCTION later() SET tenant_guard.tenant_id FROM CURRENT;
ALTER ROLE regress_tg_app SET tenant_guard.tenant_id FROM CURRENT;
\set ON_ERROR_ROLLBACK off
\set VERBOSITY default
COMMIT;
SELECT later();
SELECT count(*) FROM pg_proc WHERE array_to_string(proconfig, ' ') ~ 'tenant_guard';

-- A superuser's set_config(NULL), directly and in a gift to the application. Majors before 16 cannot
-- refuse it; the transaction then sees its own rows or an error, and nothing else: it does not go on
-- unguarded or as another tenant.
CREATE TABLE forgotten (n int);
INSERT INTO forgotten VALUES (1);
GRANT SELECT ON forgotten TO regress_tg_app;
CREATE FUNCTION outcome_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  outcome text;
BEGIN
  EXECUTE query INTO outcome;
  RETURN outcome;
EXCEPTION WHEN OTHERS THEN RETURN 'refused';
END $$;
CREATE FUNCTION after(attack text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  outcomes text[];
BEGIN
  PERFORM public.outcome_of(attack);
  outcomes := ARRAY[
    public.outcome_of('SELECT string_agg(n::text, '' '') FROM public.numbers'),
    public.outcome_of('SELECT ''UNGUARDED'' FROM public.forgotten'),
    public.outcome_of('SELECT tenant_guard.authenticate(current_setting(''regress.b_hs''))')];
  RETURN CASE WHEN outcomes IN ('{1,refused,refused}', '{refused,refused,refused}') THEN 'safe'
              ELSE outcomes::text END;
EXCEPTION WHEN OTHERS THEN RETURN 'safe';
END $$;
SELECT set_config('regress.b_hs', :'b_hs', false) = '' AS empty;
SET SESSION AUTHORIZATION regress_tg_app;
SELECT after('SELECT 1') AS without_a_token;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT after('SELECT 1');
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT after($$SELECT public.set_anything('tenant_guard.tenant_id', NULL, true)$$);
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT after($$SELECT public.set_anything('tenant_guard.tenant_id', NULL, false)$$);
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT FROM tenant_guard.authenticate(:'a_hs');
RELEASE s;
SELECT after($$SELECT public.set_anything('tenant_guard.tenant_id', NULL, true)$$);
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT after($$SELECT public.run_anything('SELECT set_config(''tenant_guard.tenant_id'', NULL, true)')$$);
ROLLBACK;
SELECT tenant_guard.tenant_id();
\set ON_ERROR_ROLLBACK on
\set VERBOSITY sqlstate
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT FROM run_anything('RESET ALL');
SELECT tenant_guard.tenant_id() = :'acme' AS acme, after('SELECT 1');
COMMIT;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT FROM run_anything('SET LOCAL tenant_guard.enforce = off');
SELECT n FROM numbers;
ROLLBACK;
\set ON_ERROR_ROLLBACK off
\set VERBOSITY default
RESET SESSION AUTHORIZATION;

-- GRANT SET ON PARAMETER gives nothing.
GRANT SET, ALTER SYSTEM ON PARAMETER tenant_guard.tenant_id TO regress_tg_app;
GRANT SET ON PARAMETER tenant_guard.token TO regress_tg_app;
SELECT set_config('regress.b_hs', :'b_hs', false) = '' AS empty;
SET SESSION AUTHORIZATION regress_tg_app;
SELECT * FROM all_attacks(:'attacks') WHERE number NOT BETWEEN 14 AND 15 AND number NOT BETWEEN 22 AND 28;
\set ON_ERROR_ROLLBACK on
\set VERBOSITY sqlstate
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SET LOCAL tenant_guard.tenant_id = 'forged';
RESET tenant_guard.tenant_id;
SET tenant_guard.tenant_id TO DEFAULT;
SELECT after($$SELECT set_config('tenant_guard.tenant_id', NULL, true)$$);
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT after($$SELECT set_config('tenant_guard.tenant_id', NULL, false)$$);
ROLLBACK;
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT FROM set_config('tenant_guard.tenant_id', '', true);
SELECT tenant_guard.tenant_id() = :'acme' AS acme, after('SELECT 1');
COMMIT;
ALTER SYSTEM SET tenant_guard.tenant_id = 'forged';
\set ON_ERROR_ROLLBACK off
\set VERBOSITY default
RESET SESSION AUTHORIZATION;
REVOKE ALL ON PARAMETER tenant_guard.tenant_id, tenant_guard.token FROM regress_tg_app;

-- The switches of the guard are the superuser's.
SET SESSION AUTHORIZATION regress_tg_app;
\set VERBOSITY sqlstate
SET tenant_guard.enforce = 'off';
SET LOCAL tenant_guard.enforce = 'off';
SELECT set_config('tenant_guard.enforce', 'off', false);
ALTER ROLE regress_tg_app SET tenant_guard.enforce = 'off';
SET tenant_guard.expiry = 'transaction';
SET tenant_guard.require_exp = 'off';
SET tenant_guard.session_state = 'reset';
SET tenant_guard.tenant_column = 'other';
SET tenant_guard.auto_protect = 'off';
-- No new settings under our name: a misspelt one would be believed to work.
SET tenant_guard.enforced = 'always';
SELECT set_config('tenant_guard.anything', 'x', false);
\set VERBOSITY default
RESET SESSION AUTHORIZATION;

DROP FUNCTION try, set_anything, run_anything, all_attacks, after, outcome_of, later;
DROP VIEW attacks;
DROP TABLE numbers, forgotten;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app, regress_tg_super;
DROP ROLE regress_tg_app, regress_tg_super;
