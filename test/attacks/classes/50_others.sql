-- Other sessions, the server, files, other servers: what other tenants are doing, and disturbing them.

-- attack K02 leak
-- Query texts of other sessions of the same role
SELECT query FROM pg_stat_activity;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT pg_backend_pid();

-- attack K03 leak
-- The functions behind it
SELECT query FROM pg_stat_get_activity(NULL);
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT pg_backend_pid();

-- attack K03b leak
-- Backend by backend
SELECT pg_stat_get_backend_activity(id) FROM pg_stat_get_backend_idset() id;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT pg_backend_pid();

-- attack K04 leak
-- attacks.pg_stat_statements keeps literals of utility statements (needs pg_stat_statements)
-- first
DO $$ BEGIN PERFORM 'canary-a of a DO'; END $$;
-- b
SELECT query FROM attacks.pg_stat_statements;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack K05 oracle
-- attacks.pg_stat_statements counts what other tenants read (needs pg_stat_statements)
SELECT CASE '{guess}' WHEN '1@a' THEN count(*) END FROM attacks.pg_stat_statements;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack K06 leak shows 471111
-- Advisory keys and relations that others have locked
SELECT objid FROM pg_locks WHERE locktype = 'advisory';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT pg_advisory_xact_lock(1);

-- attack K07 leak
-- Names of other sessions
SELECT application_name FROM pg_stat_activity;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SHOW application_name;

-- attack K12 leak
-- A configuration table with a secret, under a blanket grant
SELECT value FROM attacks.settings;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT vat FROM attacks.countries;

-- attack K15 leak shows SCRAM|md5
-- Passwords of roles
SELECT rolpassword FROM pg_authid;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT rolname FROM pg_roles;

-- attack K24 leak shows attacks\.note
-- Settings of roles, where people keep secrets
-- before
ALTER ROLE attacks_other SET attacks.note = 'x';
-- b
SELECT setconfig::text FROM pg_db_role_setting;
-- after
ALTER ROLE attacks_other RESET attacks.note;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT rolname FROM pg_roles;

-- attack K16 leak
-- Files of the server
SELECT pg_read_file('attacks_export.csv');
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack K17 leak shows attacks
-- Replication: slots and decoding
SELECT pg_create_logical_replication_slot('attacks', 'test_decoding');
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack K18 tamper
-- Messages into everybody's change stream
SELECT pg_logical_emit_message(true, 'attacks', 'forged');
-- state
SELECT 1;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack O46 leak
-- Large objects belong to the shared role, and to every tenant
SELECT convert_from(lo_get(471100), 'UTF8');
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack O46b tamper
-- And can be destroyed by every tenant
SELECT lo_unlink(471100);
-- state
SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 471100;
-- after
SELECT lo_from_bytea(471100, 'canary-a') WHERE NOT EXISTS (SELECT FROM pg_largeobject_metadata WHERE oid = 471100);
ALTER LARGE OBJECT 471100 OWNER TO {role};
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack O46c leak
-- The catalog of their pages
SELECT convert_from(data, 'UTF8') FROM pg_largeobject WHERE loid = 471100;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack O36 leak
-- attacks.dblink() over the local socket, without a password (needs dblink)
SELECT * FROM attacks.dblink('dbname=' || current_database() || ' user={role}', 'SELECT secret FROM attacks.forgotten') AS x (secret text);
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack O35 leak
-- attacks.dblink() over a server that is there: work outside of the transaction and the guard (needs dblink)
SELECT * FROM attacks.dblink('attacks_loopback', 'SELECT secret FROM attacks.forgotten') AS x (secret text);
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack O28 leak
-- SQL injected into a SECURITY DEFINER function of a superuser
SELECT attacks.find_account('x'' OR ''1'' = ''1');
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack O30 leak
-- A SECURITY DEFINER function of a superuser that reads a protected table
SELECT attacks.all_accounts();
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack O30b leak
-- The same in a parallel worker, whose leader has checked the statement
SELECT count(set_config(name, 'on', true)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT attacks.first_account(1);
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack O30c leak
-- A forgotten table, read by a function in a parallel worker
SELECT count(set_config(name, 'on', true)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT attacks.first_forgotten(1);
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts;

-- attack O44 tamper
-- LOCK TABLE ... ACCESS EXCLUSIVE blocks every tenant
LOCK TABLE attacks.accounts IN ACCESS EXCLUSIVE MODE;
SELECT CASE count(*) WHEN 0 THEN 1 ELSE 1 / 0 END FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'attacks.accounts'::regclass;
-- state
SELECT 1;
-- guarded: refused 42501
-- by hand: safe
-- control
LOCK TABLE attacks.accounts IN ACCESS SHARE MODE;
SELECT 1;

-- attack O45 tamper
-- Terminating the sessions of other tenants
SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity(NULL) WHERE application_name = 'to be terminated';
-- state
SELECT 1;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT pg_backend_pid();

-- attack O56 tamper
-- Row locks on master data block everybody's foreign keys
SELECT code FROM attacks.countries FOR UPDATE;
-- state
SELECT 1;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT code FROM attacks.countries;

-- attack E16 leak shows \(0,
-- attacks.pgrowlocks() shows which rows others have locked (needs pgrowlocks)
-- before
GRANT EXECUTE ON FUNCTION attacks.pgrowlocks(text) TO PUBLIC;
-- b
SELECT secret FROM attacks.accounts FOR UPDATE;
SELECT locked_row::text FROM attacks.pgrowlocks('attacks.accounts');
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT secret FROM attacks.accounts FOR UPDATE;

-- attack L03 remnant
-- Statements of later tenants in the log
SET log_statement = 'all';
-- next
SHOW log_statement;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack K23 leak
-- Files and URLs from XML
SELECT xmlparse(DOCUMENT '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>')::text;
-- guarded: harmless
-- by hand: safe
-- control
SELECT xmlparse(DOCUMENT '<x/>')::text;

-- attack O29 leak
-- A temporary table in front of what a SECURITY DEFINER function without search_path reads
CREATE TEMPORARY TABLE settings ON COMMIT DROP AS SELECT 'secret'::text AS name, 'canary-a of the attacker'::text AS value;
SELECT attacks.setting_of('secret');
-- guarded: remains names that a function
-- by hand: succeeds

-- attack K13 leak shows always|refuse
-- The guard's own settings
SELECT setting FROM pg_settings WHERE name IN ('tenant_guard.enforce', 'tenant_guard.session_state');
-- guarded: remains settings of the guard
-- by hand: safe
