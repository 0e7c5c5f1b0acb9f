-- The tenant of the transaction as a setting: forging it, losing it, outliving the transaction.

-- attack G01 leak
-- SET LOCAL of the tenant
SET LOCAL {setting} = '{a}';
SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET LOCAL work_mem = '1MB';
SELECT secret FROM attacks.accounts;

-- attack G02 leak
-- SET of the tenant for the session
SET {setting} = '{a}';
SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET application_name = 'app';
SELECT secret FROM attacks.accounts;

-- attack G02b leak
-- SET of the tenant without any transaction
-- outside
SET {setting} = '{a}';
SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack G03 leak
-- set_config() of the tenant
SELECT set_config('{setting}', '{a}', true);
SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT set_config('work_mem', '1MB', true);

-- attack G03b leak
-- set_config() of the tenant in the statement that reads
SELECT secret FROM attacks.accounts WHERE set_config('{setting}', '{a}', true) IS NOT NULL;
SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts WHERE set_config('work_mem', '1MB', true) IS NOT NULL;

-- attack G05 leak
-- A function whose SET clause names the tenant
CREATE FUNCTION pg_temp.forged() RETURNS SETOF text LANGUAGE sql SET {setting} = '{a}' AS 'SELECT secret FROM attacks.accounts';
SELECT pg_temp.forged();
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts;

-- attack G08 leak
-- The tenant reset to what the connection began with
RESET {setting};
SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: safe
-- control
RESET work_mem;
SELECT secret FROM attacks.accounts;

-- attack G10 leak
-- SET of the tenant by DO
DO $$ BEGIN EXECUTE 'SET LOCAL {setting} = ''{a}'''; END $$;
SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
DO $$ BEGIN EXECUTE 'SET LOCAL work_mem = ''1MB'''; END $$;
SELECT secret FROM attacks.accounts;

-- attack G11 remnant
-- RESET ALL inside the transaction takes the tenant away: the rest runs as nobody
RESET ALL;
SELECT count(*) FROM attacks.accounts;
-- next
SELECT count(*) FROM attacks.accounts;
-- guarded: harmless
-- by hand: safe
-- control
RESET ALL;
SELECT secret FROM attacks.accounts;

-- attack G12 leak
-- Reading after DISCARD ALL
-- outside
DISCARD ALL;
SELECT secret FROM attacks.accounts;
-- guarded: refused 28000
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts;

-- attack G14 leak
-- Forged within a savepoint, read, and rolled back: no trace
SAVEPOINT s;
SET LOCAL {setting} = '{a}';
SELECT secret FROM attacks.accounts;
ROLLBACK TO s;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SAVEPOINT s;
SET LOCAL work_mem = '1MB';
ROLLBACK TO s;
SELECT secret FROM attacks.accounts;

-- attack G15 leak
-- A transaction that does not authenticate on a connection where tenant A did
-- first
SELECT secret FROM attacks.accounts;
-- outside
SELECT secret FROM attacks.accounts;
-- guarded: refused 28000
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts;

-- attack G19 remnant
-- A tenant set for the session waits for whoever forgets to authenticate
-- outside
SET {setting} = '{b}';
-- next
SELECT 1;
-- guarded: refused 42501
-- by hand: safe
-- control
SET application_name = 'app';
SELECT 1;

-- attack G20 tamper
-- With the tenant set for the session, a client that forgets to authenticate writes into tenant B
-- outside
SET {setting} = '{b}';
INSERT INTO attacks.accounts (secret) VALUES ('written by a client that forgot');
-- state
SELECT count(*) FROM attacks.accounts;
-- after
DELETE FROM attacks.accounts WHERE secret LIKE 'written by%';
-- guarded: refused 42501
-- by hand: succeeds
-- control
INSERT INTO attacks.accounts (secret) VALUES ('own-b') RETURNING tenant_id;

-- attack G22 leak
-- COMMIT AND CHAIN: does the tenant survive?
COMMIT AND CHAIN;
SELECT tenant_id, secret FROM attacks.accounts;
-- guarded: refused 28000
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts;

-- attack G24 leak
-- Several statements in one message: forge and read
BEGIN; SET LOCAL {setting} = '{a}'; SELECT secret FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
BEGIN; SET LOCAL work_mem = '1MB'; SELECT secret FROM attacks.accounts;

-- attack G28 tamper
-- The tenant as a setting of the role
ALTER ROLE CURRENT_USER SET {setting} = '{a}';
-- state
SELECT setconfig::text FROM pg_db_role_setting WHERE setrole = '{role}'::regrole AND setconfig::text LIKE '%tenant_id%';
-- after
ALTER ROLE {role} RESET {setting};
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts;

-- attack G29 leak
-- Another tenant under an open cursor
DECLARE c CURSOR FOR SELECT secret FROM attacks.accounts;
FETCH 1 FROM c;
SET LOCAL {setting} = '{a}';
FETCH ALL FROM c;
DECLARE d CURSOR FOR SELECT secret FROM attacks.accounts;
FETCH ALL FROM d;
-- guarded: refused 42501
-- by hand: succeeds
-- control
DECLARE c CURSOR FOR SELECT secret FROM attacks.accounts;
FETCH ALL FROM c;

-- attack G30 leak
-- Forged in the hidden savepoint of a PL/pgSQL block with EXCEPTION
DO $$ DECLARE found text; BEGIN
  BEGIN PERFORM set_config('{setting}', '{a}', true); SELECT max(secret) INTO found FROM attacks.accounts; RAISE EXCEPTION '%', found;
  EXCEPTION WHEN raise_exception THEN RAISE EXCEPTION '%', SQLERRM; END; END $$;
-- guarded: refused 42501
-- by hand: succeeds
-- control
DO $$ BEGIN BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END; END $$;
SELECT secret FROM attacks.accounts;

-- attack G31 leak
-- A procedure that commits and goes on
-- outside
CALL attacks.commits();
-- guarded: refused 28000
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts;

-- attack P12 leak
-- Forge and read in the extended protocol
\extended SELECT set_config('{setting}', '{a}', true)
\extended SELECT secret FROM attacks.accounts
-- guarded: refused 42501
-- by hand: succeeds
-- control
\extended SELECT secret FROM attacks.accounts

-- attack W02 leak
-- Forged in a parallel worker
SELECT set_config(name, 'on', true) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT secret FROM attacks.accounts WHERE attacks.forge('{setting}', '{a}') IS NOT NULL;
-- guarded: refused 42501 25000
-- by hand: safe
-- control
SET LOCAL parallel_setup_cost = 0;
SELECT secret FROM attacks.accounts;

-- attack T15 remnant
-- PREPARE TRANSACTION leaves locks and a transaction that belongs to nobody
SELECT secret FROM attacks.accounts FOR UPDATE;
PREPARE TRANSACTION 'attacks';
-- next
SELECT secret FROM attacks.accounts;
-- after
ROLLBACK PREPARED 'attacks';
-- guarded: harmless
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts FOR UPDATE;

-- attack G06 tamper
-- The tenant as a setting of the role in this database
DO $$ BEGIN EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET {setting} = %L', current_database(), '{a}'); END $$;
-- state
SELECT count(*) FROM pg_db_role_setting WHERE setconfig::text LIKE '%tenant_id%';
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT current_database();

-- attack G13 leak
-- DISCARD ALL inside the transaction
DISCARD ALL;
SELECT secret FROM attacks.accounts;
-- guarded: harmless 25001
-- by hand: safe
-- control
DISCARD SEQUENCES;
SELECT secret FROM attacks.accounts;

-- attack G17 leak
-- A policy that opens when no tenant is set, and a client that sets none
-- outside
SELECT secret FROM attacks.loose;
-- guarded: refused 28000
-- by hand: succeeds
-- control
SELECT secret FROM attacks.loose;

-- attack G18 leak
-- The same, opened by the attacker who sets the empty tenant
SET LOCAL {setting} = '';
SELECT secret FROM attacks.loose;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.loose;

-- attack G26 leak
-- A function that keeps a forged setting with SET ... FROM CURRENT
CREATE FUNCTION pg_temp.keeps() RETURNS SETOF text LANGUAGE sql SET {setting} FROM CURRENT AS 'SELECT secret FROM attacks.accounts';
SELECT pg_temp.keeps();
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT secret FROM attacks.accounts;

-- attack G27 tamper
-- The right to set it, granted by the application's role
GRANT SET ON PARAMETER {setting} TO PUBLIC;
-- state
SELECT count(*) FROM pg_parameter_acl WHERE parname = '{setting}';
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack G27b leak
-- The right to set it, granted by a superuser
-- before
GRANT SET ON PARAMETER {setting} TO {role};
-- b
SET LOCAL {setting} = '{a}';
SELECT secret FROM attacks.accounts;
-- after
REVOKE SET ON PARAMETER {setting} FROM {role};
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack P02 leak
-- A cached plan with another tenant in it as a constant
-- first
SET LOCAL plan_cache_mode = force_generic_plan;
\prepare constant SELECT secret FROM attacks.constant
\execute constant
-- b
SET LOCAL plan_cache_mode = force_generic_plan;
\execute constant
-- guarded: harmless
-- by hand: succeeds
-- control
SELECT secret FROM attacks.constant;

-- attack T07 leak
-- A function of one's own in front of the one that the policy's helper calls
CREATE FUNCTION attacks.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT '{a}'::text $$;
SET LOCAL search_path = attacks, pg_catalog;
SELECT secret FROM helped;
ROLLBACK;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SET LOCAL search_path = attacks, pg_catalog;
SELECT secret FROM helped;
