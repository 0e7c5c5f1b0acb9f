-- Tokens: every good one is accepted, every bad one refused with an SQLSTATE of class 28 and with the
-- context left as it was.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea),
                    tenant_guard.add_pem('rs', 'RS256', :'rs_pem'),
                    tenant_guard.add_jwk(:'es_jwk'), tenant_guard.add_jwk(:'ed_jwk')) AS added;
CREATE ROLE regress_tg_app;
CREATE TABLE numbers (tenant_id uuid NOT NULL, n int);
INSERT INTO numbers VALUES (:'acme', 1), (:'globex', 2);
GRANT SELECT ON numbers TO regress_tg_app;

-- What a token does, undone at once: the tenant, or the SQLSTATE and what the context is afterwards.
CREATE FUNCTION verdict(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tenant text;
BEGIN
  tenant := tenant_guard.authenticate(token);
  IF tenant IS DISTINCT FROM current_setting('tenant_guard.tenant_id')
     OR tenant IS DISTINCT FROM tenant_guard.tenant_id() THEN
    RETURN 'another tenant in the context';
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'UA000', MESSAGE = tenant;
EXCEPTION
  WHEN SQLSTATE 'UA000' THEN RETURN 'accepted: ' || SQLERRM;
  WHEN OTHERS THEN
    RETURN concat(SQLSTATE, ' ', SQLERRM,
                  CASE WHEN tenant_guard.tenant_id() IS NOT NULL THEN ', CONTEXT SET' END,
                  CASE WHEN current_setting('tenant_guard.tenant_id') <> '' THEN ', SETTING SET' END);
END $$;

BEGIN;
SELECT key, verdict(value) FROM json_each_text(:'accepted');
SELECT key, verdict(value) FROM json_each_text(:'refused');
SELECT why, verdict(token) FROM (VALUES
  ('NULL', NULL),
  ('empty', ''),
  ('spaces', '   '),
  ('one dot', '.'),
  ('two dots', '..'),
  ('two hundred dots', repeat('.', 200)),
  ('no JSON', 'YWJj.YWJj.YWJj'),
  ('JSON without a signature', '{"alg":"HS256"}.{"tenant_id":"acme"}.'),
  ('Bearer', 'Bearer ' || :'a_hs'),
  ('quoted', '"' || :'a_hs' || '"'),
  ('twice', :'a_hs' || :'a_hs'),
  ('first part of one, rest of another', split_part(:'a_rs', '.', 1) || '.' || split_part(:'a_hs', '.', 2)
     || '.' || split_part(:'a_hs', '.', 3)),
  ('16 kB and a byte', rpad(:'a_hs', 16385, 'A')),
  ('16 kB', rpad(:'a_hs', 16384, 'A')),
  ('10 MB', repeat('A', 10485760)),
  ('not ASCII', :'a_hs' || 'é'),
  ('newline in front', E'\n' || :'a_hs'),
  ('a tab within', replace(:'a_hs', '.', E'.\t')),
  ('upper case', upper(:'a_hs')),
  ('JSON serialization', format('{"payload":"%s","protected":"%s","signature":"%s"}',
     split_part(:'a_hs', '.', 2), split_part(:'a_hs', '.', 1), split_part(:'a_hs', '.', 3))),
  ('control', :'a_hs')) AS tokens (why, token);
COMMIT;

-- A refusal says to the client what to do, and not which byte was wrong.
BEGIN;
SELECT tenant_guard.authenticate(:'tampered');
ROLLBACK;
BEGIN;
SELECT tenant_guard.authenticate(:'expired');
ROLLBACK;
BEGIN;
SELECT tenant_guard.authenticate(NULL);
ROLLBACK;

-- One transaction, one tenant.
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
SELECT tenant_guard.subject(), tenant_guard.attribute('role');
-- A second token of the same tenant replaces the claims.
SELECT tenant_guard.authenticate(:'a_admin');
SELECT tenant_guard.subject(), tenant_guard.attribute('role');
-- One of another tenant is an error, and changes nothing.
SAVEPOINT before_other;
SELECT tenant_guard.authenticate(:'b_hs');
ROLLBACK TO before_other;
SELECT tenant_guard.tenant_id(), tenant_guard.subject();
SET LOCAL tenant_guard.token = :'b_hs';
ROLLBACK TO before_other;
SELECT tenant_guard.tenant_id(), tenant_guard.subject();
-- A bad token of the same tenant does not take the good one away.
SELECT tenant_guard.authenticate(:'tampered_signature');
ROLLBACK TO before_other;
SELECT tenant_guard.tenant_id(), tenant_guard.subject();
COMMIT;
-- The next transaction is anybody's.
BEGIN;
SELECT tenant_guard.authenticate(:'b_hs');
COMMIT;

-- A savepoint does not make room for another tenant; going back to before the first token does.
BEGIN;
SAVEPOINT empty;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK TO empty;
SHOW tenant_guard.tenant_id;
SELECT tenant_guard.authenticate(:'b_hs');
ROLLBACK;

-- Two tenants in one statement.
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs'), tenant_guard.authenticate(:'b_hs');
ROLLBACK;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs'), tenant_guard.authenticate(:'a_admin');
SELECT tenant_guard.subject();
ROLLBACK;

-- Outside a transaction block the context lasts for the statement, and a warning says so.
SELECT tenant_guard.authenticate(:'a_hs');
SHOW tenant_guard.tenant_id;
SELECT tenant_guard.tenant_id() IS NULL AS no_context;
-- Several statements in one message are one transaction.
SELECT tenant_guard.authenticate(:'a_hs') \; SELECT tenant_guard.tenant_id();
SHOW tenant_guard.tenant_id;
BEGIN \; SELECT tenant_guard.authenticate(:'a_hs') \; SELECT tenant_guard.tenant_id() \; COMMIT \; SELECT tenant_guard.tenant_id();
-- Two tenants in one message: the second is refused, and with it the message.
SELECT tenant_guard.authenticate(:'a_hs') \; SELECT tenant_guard.authenticate(:'b_hs');
SHOW tenant_guard.tenant_id;
-- An error ends the message before another tenant's turn.
BEGIN \; SELECT tenant_guard.authenticate(:'a_hs') \; SELECT 1/0 \; COMMIT \; SELECT tenant_guard.tenant_id();
ROLLBACK;
SHOW tenant_guard.tenant_id;

-- A statement that authenticates may not read relations as well: rows from before and after the token
-- would be in one result.
CREATE FUNCTION sign_in(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN tenant_guard.authenticate(token); END $$;
CREATE FUNCTION sign_in_sql(token text) RETURNS text LANGUAGE sql AS $$
  SELECT tenant_guard.authenticate(token) $$;
CREATE FUNCTION sign_in_and_count(token text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tenant_guard.authenticate(token);
  RETURN (SELECT count(*) FROM numbers);
END $$;
CREATE FUNCTION sign_in_by_set(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SET LOCAL tenant_guard.token = %L', token);
  RETURN tenant_guard.tenant_id();
END $$;
CREATE FUNCTION sign_in_and_read(token text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  found bigint;
BEGIN
  SELECT max(n) INTO found FROM public.sign_in(token) s LEFT JOIN public.numbers ON true;
  RETURN found;
END $$;
CREATE FUNCTION sign_in_after_failure(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    PERFORM 1 / (oid::bigint - oid::bigint) FROM pg_catalog.pg_class;
  EXCEPTION WHEN division_by_zero THEN NULL;
  END;
  RETURN public.sign_in(token);
END $$;
CREATE FUNCTION sum_of_numbers() RETURNS bigint LANGUAGE sql AS $$ SELECT sum(n) FROM numbers $$;
CREATE VIEW signing_in AS SELECT tenant_guard.authenticate('') AS tenant, n FROM numbers;
SET ROLE regress_tg_app;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs'), n FROM numbers;
ROLLBACK;
\set VERBOSITY sqlstate
BEGIN;
SELECT n FROM numbers WHERE tenant_guard.authenticate(:'a_hs') IS NOT NULL;
ROLLBACK;
BEGIN;
WITH token AS MATERIALIZED (SELECT tenant_guard.authenticate(:'a_hs')) SELECT n FROM numbers, token;
ROLLBACK;
BEGIN;
WITH rows AS MATERIALIZED (SELECT * FROM numbers) SELECT tenant_guard.authenticate(:'a_hs'), n FROM rows;
ROLLBACK;
-- A statement that failed is over; the one around it is not.
BEGIN;
SELECT sign_in_after_failure(:'a_hs');
ROLLBACK;
BEGIN;
SELECT sign_in_after_failure(:'a_hs') FROM pg_class LIMIT 1;
ROLLBACK;
BEGIN;
SELECT (SELECT sum(n) FROM numbers), tenant_guard.authenticate(:'a_hs');
ROLLBACK;
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs') UNION ALL SELECT n::text FROM numbers;
ROLLBACK;
-- In a function, where no plan shows it.
BEGIN;
SELECT s, n FROM sign_in(:'a_hs') s LEFT JOIN numbers ON true;
ROLLBACK;
BEGIN;
SELECT s, n FROM sign_in_by_set(:'a_hs') s LEFT JOIN numbers ON true;
ROLLBACK;
BEGIN;
SELECT sign_in_sql(:'a_hs'), n FROM numbers;
ROLLBACK;
BEGIN;
SELECT sign_in(:'a_hs'), (SELECT max(n) FROM numbers);
ROLLBACK;
BEGIN;
SELECT CASE WHEN sign_in(:'a_hs') IS NOT NULL THEN (SELECT max(n) FROM numbers) END;
ROLLBACK;
BEGIN;
SELECT sign_in(:'a_hs'), relname FROM pg_class;
ROLLBACK;
BEGIN;
DO $$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT s, n FROM sign_in('eyJ') s LEFT JOIN public.numbers ON true LOOP
    RAISE NOTICE '%', found;
  END LOOP;
END $$;
ROLLBACK;
BEGIN;
SELECT sign_in_and_read(:'a_hs');
ROLLBACK;
BEGIN;
COPY (SELECT tenant_guard.authenticate(:'a_hs'), n FROM numbers) TO STDOUT;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT s, n FROM sign_in(:'a_hs') s LEFT JOIN numbers ON true;
FETCH ALL FROM c;
ROLLBACK;
BEGIN;
EXPLAIN (COSTS OFF) SELECT tenant_guard.authenticate(:'a_hs'), n FROM numbers;
ROLLBACK;
BEGIN;
PREPARE both_at_once AS SELECT tenant_guard.authenticate(:'a_hs'), n FROM numbers;
EXECUTE both_at_once;
ROLLBACK;
DEALLOCATE ALL;
RESET ROLE;
BEGIN;
SELECT * FROM signing_in;
ROLLBACK;
\set VERBOSITY default
SHOW tenant_guard.tenant_id;
-- Controls: a token with what is no relation, and one after the other.
SET ROLE regress_tg_app;
BEGIN;
SELECT sign_in(:'a_hs'), g FROM generate_series(1, 2) g;
SELECT n FROM numbers;
COMMIT;
BEGIN;
SELECT sign_in_sql(:'b_hs') = :'globex' AS globex;
SELECT sum_of_numbers();
COMMIT;
BEGIN;
SELECT sign_in_and_count(:'a_hs');
COMMIT;
BEGIN;
DO $$
DECLARE
  found int[];
BEGIN
  SELECT array_agg(n) INTO found FROM public.numbers;
  RAISE NOTICE 'before: %', found;
END $$;
SELECT sign_in(:'b_hs') = :'globex' AS globex;
SELECT n FROM numbers;
COMMIT;
RESET ROLE;

-- SET LOCAL tenant_guard.token, for clients that can only send SET.
BEGIN;
SET LOCAL tenant_guard.token = :'a_hs';
SHOW tenant_guard.tenant_id;
-- The token itself can never be read back.
SHOW tenant_guard.token;
SELECT current_setting('tenant_guard.token') = '' AS empty;
SELECT count(*) FROM pg_settings WHERE setting LIKE 'eyJ%' OR reset_val LIKE 'eyJ%';
COMMIT;
SHOW tenant_guard.tenant_id;
BEGIN;
SET LOCAL tenant_guard.token TO :'tampered';
ROLLBACK;
BEGIN;
SET LOCAL tenant_guard.token = '';
ROLLBACK;
BEGIN;
SET LOCAL tenant_guard.token = :'expired';
ROLLBACK;
-- Anything but SET LOCAL is refused.
SET tenant_guard.token = :'a_hs';
SHOW tenant_guard.tenant_id;
BEGIN;
SET tenant_guard.token = :'a_hs';
ROLLBACK;
BEGIN;
SET SESSION tenant_guard.token = :'a_hs';
ROLLBACK;
\set VERBOSITY sqlstate
BEGIN;
SELECT set_config('tenant_guard.token', :'a_hs', true);
ROLLBACK;
SELECT set_config('tenant_guard.token', :'a_hs', false);
ALTER ROLE regress_tg_app SET tenant_guard.token = :'a_hs';
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET tenant_guard.token = ''eyJ''', current_database());
END $$;
ALTER SYSTEM SET tenant_guard.token = :'a_hs';
CREATE FUNCTION with_token() RETURNS text LANGUAGE sql SET tenant_guard.token = 'eyJ' AS $$
  SELECT tenant_guard.tenant_id() $$;
\set VERBOSITY default
SELECT count(*) FROM pg_db_role_setting WHERE array_to_string(setconfig, ' ') ~ 'token';
SHOW tenant_guard.tenant_id;
-- Taking the token back does not take the tenant back.
BEGIN;
SET LOCAL tenant_guard.token = :'a_hs';
RESET tenant_guard.token;
SHOW tenant_guard.tenant_id;
SET LOCAL tenant_guard.token TO DEFAULT;
SHOW tenant_guard.tenant_id;
RESET ALL;
SHOW tenant_guard.tenant_id;
ROLLBACK;
-- Outside a transaction block SET LOCAL does nothing that lasts.
SET LOCAL tenant_guard.token = :'a_hs';
SHOW tenant_guard.tenant_id;

-- An error about a token never repeats it.
DO $$
DECLARE
  token text := 'eyJhbGciOiJIUzI1NiJ9.eyJ0ZW5hbnRfaWQiOiJhY21lIn0.c2VjcmV0';
  message text; detail text; hint text;
BEGIN
  PERFORM tenant_guard.authenticate(token);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RAISE NOTICE '%: names the token: %', SQLSTATE, concat(message, detail, hint) ~ 'eyJ|c2VjcmV0';
END $$;

-- Tokens without an expiry: a switch that the application does not have.
BEGIN;
SET LOCAL tenant_guard.require_exp = off;
SELECT tenant_guard.authenticate(:'no_exp') = :'acme' AS accepted;
ROLLBACK;
SET ROLE regress_tg_app;
\set VERBOSITY sqlstate
SET tenant_guard.require_exp = off;
SELECT set_config('tenant_guard.require_exp', 'off', false);
SET tenant_guard.expiry = 'transaction';
\set VERBOSITY default
RESET ROLE;
BEGIN;
SELECT tenant_guard.authenticate(:'no_exp');
ROLLBACK;

DROP VIEW signing_in;
DROP FUNCTION verdict, sign_in, sign_in_sql, sign_in_by_set, sign_in_and_count, sign_in_and_read, sum_of_numbers;
DROP TABLE numbers;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app;
