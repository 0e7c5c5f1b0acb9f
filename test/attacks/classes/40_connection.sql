-- What would stay on the pooled connection, or become of the role.

-- attack T01 leak
-- A temporary table with tenant A's export is still there when tenant B comes
-- first
CREATE TEMPORARY TABLE export AS SELECT secret FROM attacks.accounts;
-- b
SELECT secret FROM export;
-- guarded: harmless 42P01
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE export ON COMMIT DROP AS SELECT secret FROM attacks.accounts;
SELECT secret FROM export;

-- attack T02 remnant
-- A temporary table with the name of a real one shadows it
SET LOCAL search_path = attacks;
CREATE TEMPORARY TABLE accounts (tenant_id text, secret text);
-- next
SET LOCAL search_path = attacks;
SELECT secret FROM accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE accounts (secret text) ON COMMIT DROP;
INSERT INTO accounts VALUES ('x') RETURNING 1;

-- attack T02b remnant
-- The same, left by a transaction that never authenticated
-- outside
CREATE TEMPORARY TABLE accounts (tenant_id text, secret text);
-- next
SET LOCAL search_path = attacks;
SELECT secret FROM accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack T03 remnant
-- A temporary view with the name of a table calls the attacker's function on what tenant A reads
CREATE TEMPORARY VIEW accounts AS SELECT a.*, 'seen' AS by_b FROM attacks.accounts a;
-- next
SET LOCAL search_path = attacks;
TABLE accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack T04 remnant
-- search_path for the session
SET search_path = pg_temp, attacks;
-- next
SHOW search_path;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET LOCAL search_path = attacks;
SELECT secret FROM accounts;

-- attack T04b remnant
-- search_path for the session by set_config(), which no command sees
SELECT set_config('search_path', 'pg_temp, attacks', false);
COMMIT;
-- next
SHOW search_path;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT set_config('search_path', 'attacks', true);

-- attack T04c remnant
-- search_path by ALTER ROLE, for the next connection
ALTER ROLE CURRENT_USER SET search_path = attacks;
-- next
SELECT 1;
-- after
ALTER ROLE {role} RESET search_path;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack T05 remnant
-- An operator that is found before pg_catalog's
CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = textne);
SET search_path = pg_temp, pg_catalog, public;
-- next
SELECT 'a'::text = 'a'::text;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack T06 leak
-- Functions and operators in front of those that the policy uses
SET LOCAL search_path = pg_temp, pg_catalog;
SELECT secret FROM attacks.accounts;
-- guarded: harmless
-- by hand: safe
-- control
SET LOCAL search_path = attacks;
SELECT secret FROM accounts;

-- attack T08 remnant
-- Read-only transactions for everybody who comes
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
-- next
SHOW default_transaction_read_only;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET TRANSACTION READ ONLY;
SELECT secret FROM attacks.accounts;

-- attack T08b remnant
-- A statement timeout for everybody who comes
SET statement_timeout = 1;
-- next
SHOW statement_timeout;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET LOCAL statement_timeout = '1min';
SELECT secret FROM attacks.accounts;

-- attack T08c remnant
-- Strings that are read in another way
SET standard_conforming_strings = off;
-- next
SHOW standard_conforming_strings;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET standard_conforming_strings = on;
SELECT 1;

-- attack T16 remnant
-- Plans of every later tenant, sent to the client
SET client_min_messages = log;
SET debug_print_plan = on;
-- next
SHOW client_min_messages;
SHOW debug_print_plan;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET client_min_messages = warning;
SELECT 1;

-- attack T18 leak shows carried
-- A setting of one's own carries a value to another tenant
-- first
SET app.note = 'carried';
-- b
SELECT current_setting('app.note', true);
-- guarded: harmless
-- by hand: succeeds
-- control
SET LOCAL app.note = 'x';
SELECT current_setting('app.note', true);

-- attack T19 tamper
-- A library for the next connection of the role
ALTER ROLE CURRENT_USER SET local_preload_libraries = 'x';
-- state
SELECT setconfig::text FROM pg_db_role_setting WHERE setrole = '{role}'::regrole AND setconfig::text LIKE '%preload%';
-- after
ALTER ROLE {role} RESET local_preload_libraries;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack T20 tamper
-- A library loaded after the guard
LOAD 'plpgsql';
-- state
SELECT 1;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack T12 remnant
-- A session advisory lock that nobody can take away
SELECT pg_advisory_lock(471112);
-- next
SELECT pg_try_advisory_xact_lock(471112), count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT pg_advisory_xact_lock(471113);

-- attack T14 remnant
-- A function of one's own in pg_temp
CREATE FUNCTION pg_temp.trap() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- next
SELECT pg_temp.trap();
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack T23 remnant
-- A temporary table in front of master data: tenant A computes with forged values
CREATE TEMPORARY TABLE countries AS SELECT code, 0 AS vat FROM attacks.countries;
-- next
SET LOCAL search_path = attacks;
SELECT vat FROM countries;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE countries ON COMMIT DROP AS SELECT code, 0 AS vat FROM attacks.countries;
SELECT vat FROM countries;

-- attack T24 remnant
-- A temporary sequence in front of a real one
CREATE TEMPORARY SEQUENCE numbers;
-- next
SET LOCAL search_path = attacks;
SELECT nextval('numbers') > 4711;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT nextval('attacks.numbers');

-- attack C03 remnant
-- A held cursor under the name that tenant A's code will use
DECLARE page CURSOR WITH HOLD FOR SELECT secret FROM attacks.accounts;
-- next
FETCH ALL FROM page;
-- guarded: refused 42501
-- by hand: succeeds
-- control
DECLARE page CURSOR FOR SELECT secret FROM attacks.accounts;
FETCH ALL FROM page;

-- attack C03b leak
-- A held cursor of tenant A, read by tenant B
-- first
DECLARE page CURSOR WITH HOLD FOR SELECT secret FROM attacks.accounts;
-- b
FETCH ALL FROM page;
-- guarded: harmless 34000
-- by hand: succeeds
-- control
SELECT 1;

-- attack P10 leak
-- pg_prepared_statements shows what the tenant before prepared
-- first
\prepare find SELECT secret FROM attacks.accounts WHERE secret LIKE 'canary-a%'
-- b
SELECT statement FROM pg_prepared_statements;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM pg_cursors;

-- attack P11 remnant
-- PREPARE in SQL under the name that a driver will use
PREPARE s_1 AS SELECT 'of the attacker';
-- next
EXECUTE s_1;
-- guarded: refused 42501
-- by hand: succeeds
-- control
\prepare s_1 SELECT secret FROM attacks.accounts
\execute s_1

-- attack P09 remnant
-- DEALLOCATE ALL breaks the driver's statements of all tenants
-- first
\prepare s_1 SELECT 1
-- b
DEALLOCATE ALL;
-- next
\execute s_1
-- guarded: refused 42501
-- by hand: succeeds
-- control
\prepare s_1 SELECT 1
\execute s_1

-- attack T10 leak
-- LISTEN receives what tenant A's trigger sends
LISTEN attacks;
SELECT * FROM pg_listening_channels() WHERE pg_listening_channels = 'attacks';
SELECT CASE count(*) WHEN 0 THEN '' ELSE 'canary-a' END FROM pg_listening_channels();
COMMIT;
SELECT CASE count(*) WHEN 0 THEN '' ELSE 'canary-a' END FROM pg_listening_channels();
-- guarded: refused 42501
-- by hand: succeeds
-- control
NOTIFY attacks;
SELECT 1;

-- attack R01 leak
-- SET ROLE to another role
SET ROLE attacks_other;
SELECT 'canary-a' FROM attacks.countries WHERE current_user <> '{role}';
SELECT CASE current_user WHEN '{role}' THEN '' ELSE 'canary-a' END;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT current_user;

-- attack R01b leak
-- The role by set_config()
SELECT set_config('role', 'attacks_other', true);
SELECT CASE current_user WHEN '{role}' THEN '' ELSE 'canary-a' END FROM attacks.countries;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT current_user;

-- attack R02 leak
-- SET SESSION AUTHORIZATION
SET SESSION AUTHORIZATION attacks_other;
SELECT 'canary-a';
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT current_user;

-- attack R07 tamper
-- The shared role changes its own password: the pool is locked out, the attacker has a login
ALTER ROLE CURRENT_USER PASSWORD 'of the attacker';
-- state
SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = '{role}';
-- after
ALTER ROLE {role} PASSWORD NULL;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT current_user;

-- attack R09 tamper
-- DROP OWNED destroys what the shared role owns
DROP OWNED BY CURRENT_USER;
-- state
SELECT to_regclass('attacks.of_role') IS NOT NULL, has_table_privilege('{role}', 'attacks.accounts', 'SELECT');
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT secret FROM attacks.of_role;

-- attack R10 tamper
-- ALTER DEFAULT PRIVILEGES
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO attacks_other;
-- state
SELECT count(*) FROM pg_default_acl WHERE defaclrole = '{role}'::regrole;
-- after
ALTER DEFAULT PRIVILEGES FOR ROLE {role} REVOKE ALL ON TABLES FROM attacks_other;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack R14 tamper
-- GRANT of what the role owns
GRANT ALL ON attacks.of_role TO PUBLIC;
-- state
SELECT relacl::text FROM pg_class WHERE oid = 'attacks.of_role'::regclass;
-- after
REVOKE ALL ON attacks.of_role FROM PUBLIC;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.of_role;

-- attack K20 tamper
-- Persistent code: a function for the others to call
CREATE FUNCTION attacks.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
-- state
SELECT count(*) FROM pg_proc WHERE pronamespace = 'attacks'::regnamespace AND proname = 'lower';
-- after
DROP FUNCTION IF EXISTS attacks.lower;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT lower('A');

-- attack T22 leak
-- pg_stats of a temporary table that was analyzed
-- first
CREATE TEMPORARY TABLE export AS SELECT secret, secret AS again FROM attacks.accounts, generate_series(1, 20);
ANALYZE export;
-- b
SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'export';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM pg_class;

-- attack R11 tamper
-- Membership in the application's role, given onwards
GRANT {role} TO attacks_other;
-- state
SELECT count(*) FROM pg_auth_members WHERE roleid = '{role}'::regrole;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack T25 leak
-- Variables of a procedural language that keeps them for the session
DO LANGUAGE plperl $$ $_SHARED{export} = 'carried'; $$;
-- guarded: refused 42501
-- by hand: safe
-- control
DO LANGUAGE plpgsql $$ BEGIN PERFORM 1; END $$;
SELECT 1;

-- attack T26 remnant
-- attacks.set_limit() sets a threshold for the session, and is not called set_config() (needs pg_trgm)
SELECT attacks.set_limit(0.99);
COMMIT;
-- next
SELECT attacks.show_limit();
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT attacks.show_limit();

-- attack T27 remnant
-- A temporary table with the name of a type, while PL/pgSQL compiles a function of the application: it remembers the type
CREATE TEMPORARY TABLE jsonb (value int) ON COMMIT DROP;
SELECT attacks.pair();
-- next
SELECT attacks.pair();
-- before
CREATE FUNCTION attacks.pair() RETURNS text LANGUAGE plpgsql AS $$ DECLARE pair jsonb := '{"a": 1}'; BEGIN RETURN pair ->> 'a'; END $$;
-- after
DROP FUNCTION attacks.pair;
-- guarded: refused 42501
-- by hand: succeeds
-- control
CREATE TEMPORARY TABLE pairs (value jsonb) ON COMMIT DROP;
INSERT INTO pairs VALUES ('{"a": 1}') RETURNING value ->> 'a';

-- attack T27b remnant
-- The same with the name of a table, whose columns' types a function names by %TYPE and has no search_path of its own
SET LOCAL search_path = attacks;
CREATE TEMPORARY TABLE countries (vat boolean) ON COMMIT DROP;
SELECT attacks.tax();
-- next
SET LOCAL search_path = attacks;
SELECT attacks.tax();
-- before
SET search_path = attacks;
CREATE FUNCTION attacks.tax() RETURNS text LANGUAGE plpgsql AS
    $$ DECLARE tax countries.vat%TYPE; BEGIN SELECT max(vat) INTO tax FROM attacks.countries; RETURN tax; END $$;
RESET search_path;
-- after
DROP FUNCTION attacks.tax;
-- guarded: remains names that a function
-- by hand: succeeds

-- attack P13 tamper
-- COMMIT PREPARED of what tenant A has prepared: the role is the same, and names can be guessed
-- first
INSERT INTO attacks.accounts (tenant_id, secret) VALUES ('{a}', 'canary-a, prepared');
PREPARE TRANSACTION 'attacks_1';
-- outside
COMMIT PREPARED 'attacks_1';
-- state
SELECT count(*) FROM attacks.accounts WHERE secret = 'canary-a, prepared';
-- after
DELETE FROM attacks.accounts WHERE secret = 'canary-a, prepared';
-- guarded: remains prepared transactions
-- untrusted: remains prepared transactions
-- by hand: succeeds

-- attack P14 remnant
-- Settings that drivers make when they connect, for the session: tenant A's days begin elsewhere
SET TimeZone = 'Asia/Tokyo';
-- next
SELECT '2025-01-01T20:00:00Z'::timestamptz::date;
-- guarded: remains settings that drivers
-- by hand: succeeds

-- attack T18b remnant
-- A setting of one's own, set with SET LOCAL, leaves its name: tenant A finds it empty instead of absent
SET LOCAL attacks.page_size = '1';
-- next
SELECT coalesce(current_setting('attacks.page_size', true)::int, 100);
-- guarded: remains names of settings
-- by hand: succeeds

-- attack T28 remnant
-- A constant in a function of the application is read by the TimeZone of whoever calls it first, and stays in its plan
SET LOCAL TimeZone = 'Asia/Tokyo';
SELECT attacks.new_year();
-- next
SELECT attacks.new_year();
-- before
CREATE FUNCTION attacks.new_year() RETURNS float8 LANGUAGE plpgsql STABLE AS
    $$ BEGIN RETURN (SELECT extract(epoch FROM '2025-01-01 00:00'::timestamptz) FROM attacks.accounts LIMIT 1); END $$;
-- after
DROP FUNCTION attacks.new_year;
-- guarded: harmless
-- by hand: succeeds
-- control
SET LOCAL TimeZone = 'Asia/Tokyo';
SELECT '2025-01-01 00:00'::timestamptz;

-- attack T28b remnant
-- The same with set_config(), rolled back to a savepoint, so that nothing is left to see
SAVEPOINT before;
SELECT set_config('datestyle', 'ISO, DMY', true);
SELECT attacks.second_of_january();
ROLLBACK TO before;
-- next
SELECT attacks.second_of_january();
-- before
CREATE FUNCTION attacks.second_of_january() RETURNS text LANGUAGE plpgsql STABLE AS
    $$ BEGIN RETURN (SELECT '01/02/2025'::date - '2025-01-01'::date FROM attacks.accounts LIMIT 1); END $$;
-- after
DROP FUNCTION attacks.second_of_january;
-- guarded: harmless
-- by hand: succeeds
-- control
SELECT set_config('datestyle', 'ISO, DMY', true);

-- attack T28c remnant
-- The same with standard_conforming_strings, by which PL/pgSQL parses once and for all
SET LOCAL standard_conforming_strings = off;
SELECT attacks.separator();
-- next
SELECT attacks.separator();
-- before
CREATE FUNCTION attacks.separator() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT '\t' FROM attacks.accounts LIMIT 1); END $$;
-- after
DROP FUNCTION attacks.separator;
-- guarded: remains strings with a backslash
-- by hand: succeeds
