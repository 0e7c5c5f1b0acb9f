-- The context follows transactions exactly. What outlives a transaction or survives a rollback is
-- another tenant's next.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app;
CREATE TABLE numbers (tenant_id uuid NOT NULL, n int);
INSERT INTO numbers SELECT :'acme', g FROM generate_series(1, 10) g;
INSERT INTO numbers SELECT :'globex', g FROM generate_series(1, 5) g;
GRANT SELECT, INSERT ON numbers TO regress_tg_app;

-- Four witnesses must agree: two readers, the setting and the rows.
CREATE FUNCTION context() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  by_setting text := nullif(current_setting('tenant_guard.tenant_id'), '');
  by_rows text := (SELECT string_agg(DISTINCT n.tenant_id::text, ' ') FROM public.numbers n);
BEGIN
  IF tenant_guard.tenant_id() IS DISTINCT FROM by_setting OR by_rows IS DISTINCT FROM by_setting
     OR tenant_guard.tenant_id_uuid()::text IS DISTINCT FROM by_setting
     OR tenant_guard.claim('tenant_id') IS DISTINCT FROM by_setting THEN
    RETURN format('DISAGREE: %s %s %s %s', by_setting, by_rows, tenant_guard.tenant_id(),
                  tenant_guard.claims());
  END IF;
  RETURN CASE by_setting WHEN 'e000342e-22c2-b525-5299-b35c4d538065' THEN 'acme'
                         WHEN '6a4fb4a2-5f37-c199-ad1f-70a1760e373c' THEN 'globex'
                         ELSE coalesce(by_setting, 'none') END
         || coalesce(', ' || tenant_guard.subject(), '');
END $$;
SET ROLE regress_tg_app;

SELECT context();
-- COMMIT clears it.
BEGIN;
SELECT context();
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT context();
COMMIT;
SELECT context();
-- ROLLBACK clears it.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
ROLLBACK;
SELECT context();
-- An error clears it.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT 1/0;
SELECT context();
COMMIT;
SELECT context();
-- COMMIT AND CHAIN is a new transaction, and so is ROLLBACK AND CHAIN.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
COMMIT AND CHAIN;
SELECT context();
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT context();
ROLLBACK AND CHAIN;
SELECT context();
COMMIT;
SELECT context();
-- END, ABORT and the other spellings.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
END AND CHAIN;
SELECT context();
SELECT FROM tenant_guard.authenticate(:'a_hs');
ABORT AND CHAIN;
SELECT context();
END;
START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT context();
COMMIT AND CHAIN;
SELECT context();
COMMIT;
-- BEGIN within a transaction begins nothing.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
BEGIN;
SELECT context();
COMMIT;
SELECT context();

-- ROLLBACK TO restores what was there at the savepoint, RELEASE keeps what is.
BEGIN;
SAVEPOINT nobody;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SAVEPOINT viewer;
SELECT FROM tenant_guard.authenticate(:'a_admin');
SELECT context();
ROLLBACK TO viewer;
SELECT context();
SELECT FROM tenant_guard.authenticate(:'a_admin');
RELEASE viewer;
SELECT context();
ROLLBACK TO nobody;
SELECT context();
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT context();
RELEASE nobody;
SELECT context();
COMMIT;
SELECT context();
-- Authenticated in a savepoint that is released, it lasts as long as the transaction.
BEGIN;
SAVEPOINT one;
SAVEPOINT two;
SELECT FROM tenant_guard.authenticate(:'a_hs');
RELEASE one;
SELECT context();
SAVEPOINT three;
ROLLBACK TO three;
SELECT context();
COMMIT;
SELECT context();
-- The same savepoint twice, the token before, between and after.
BEGIN;
SAVEPOINT again;
SELECT FROM tenant_guard.authenticate(:'a_hs');
ROLLBACK TO again;
SELECT context();
SELECT FROM tenant_guard.authenticate(:'a_hs');
SAVEPOINT again;
ROLLBACK TO again;
SELECT context();
RELEASE again;
ROLLBACK TO again;
SELECT context();
COMMIT;
-- An error in a savepoint.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SAVEPOINT broken;
SELECT FROM tenant_guard.authenticate(:'a_admin');
SELECT 1/0;
ROLLBACK TO broken;
SELECT context();
COMMIT;

-- PL/pgSQL's EXCEPTION blocks are savepoints: a token within one is undone with it.
RESET ROLE;
CREATE FUNCTION attempt(token text, fails boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  inside text;
BEGIN
  BEGIN
    PERFORM tenant_guard.authenticate(token);
    inside := context();
    IF fails THEN RAISE EXCEPTION 'undo'; END IF;
  EXCEPTION WHEN raise_exception THEN NULL;
  END;
  RETURN inside || ' -> ' || context();
END $$;
SET ROLE regress_tg_app;
BEGIN;
SELECT attempt(:'a_hs', true);
SELECT context();
SELECT attempt(:'b_hs', true);
SELECT attempt(:'a_hs', false);
SELECT context();
SELECT attempt(:'a_admin', true);
SELECT context();
SELECT attempt(:'a_admin', false);
SELECT context();
COMMIT;
SELECT context();

-- Procedures that commit.
RESET ROLE;
CREATE PROCEDURE commits(token text, other text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tenant_guard.authenticate(token);
  RAISE NOTICE 'with the token: %', context();
  COMMIT;
  RAISE NOTICE 'after COMMIT: %', context();
  PERFORM tenant_guard.authenticate(other);
  RAISE NOTICE 'with the other token: %', context();
  ROLLBACK;
  RAISE NOTICE 'after ROLLBACK: %', context();
  PERFORM tenant_guard.authenticate(token);
  COMMIT AND CHAIN;
  RAISE NOTICE 'after COMMIT AND CHAIN: %', context();
END $$;
CREATE PROCEDURE loops(token text) LANGUAGE plpgsql AS $$
DECLARE
  row record;
BEGIN
  PERFORM tenant_guard.authenticate(token);
  FOR row IN SELECT n FROM numbers ORDER BY n LIMIT 2 LOOP
    RAISE NOTICE '%: %', row.n, context();
    COMMIT;
  END LOOP;
END $$;
CREATE FUNCTION lasting_context() RETURNS text LANGUAGE plpgsql SET work_mem = '1MB' AS $$
BEGIN RETURN context(); END $$;
CREATE FUNCTION sign_in_under_set(token text) RETURNS text LANGUAGE plpgsql SET work_mem = '1MB' AS $$
BEGIN
  PERFORM tenant_guard.authenticate(token);
  RETURN context();
END $$;
SET ROLE regress_tg_app;
SET client_min_messages = notice;
CALL commits(:'a_hs', :'b_hs');
SELECT context();
-- The loop's rows were read before the COMMIT; the context is gone all the same.
CALL loops(:'a_hs');
SELECT context();
-- A function's SET clause neither takes the context away nor keeps it.
BEGIN;
SELECT sign_in_under_set(:'a_hs');
SELECT context();
SELECT lasting_context();
COMMIT;
SELECT context();

-- Cursors: rows are the tenant's for whom it was opened, and do not outlive the transaction.
BEGIN;
SELECT FROM tenant_guard.authenticate(:'a_hs');
DECLARE c CURSOR FOR SELECT count(*) FROM numbers;
FETCH c;
COMMIT;
FETCH c;
-- A cursor opened before the token shows nobody else's rows, and one of a rolled-back token is gone.
BEGIN;
DECLARE early CURSOR FOR SELECT count(*) FROM numbers;
SELECT FROM tenant_guard.authenticate(:'a_hs');
FETCH early;
SAVEPOINT s;
DECLARE late CURSOR FOR SELECT count(*) FROM numbers;
FETCH late;
ROLLBACK TO s;
FETCH late;
ROLLBACK;

-- Parallel workers see the same context, and none when there is none.
RESET ROLE;
CREATE TABLE many (tenant_id uuid NOT NULL, n int);
INSERT INTO many SELECT CASE WHEN g % 3 = 0 THEN :'acme' ELSE :'globex' END::uuid, g FROM generate_series(1, 30000) g;
GRANT SELECT ON many TO regress_tg_app;
ANALYZE many;
CREATE FUNCTION process() RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN RETURN pg_backend_pid(); END $$;
CREATE FUNCTION plan_of(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    IF line ~ 'Gather' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
SET ROLE regress_tg_app;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_leader_participation = off;
SELECT pg_backend_pid() AS leader \gset
SELECT count(*) AS nobody, bool_or(process() = :leader) AS by_leader FROM many;
SELECT FROM tenant_guard.authenticate(:'a_hs');
SELECT plan_of('SELECT count(*) FROM many') AS is_parallel;
SELECT count(*) AS acme, bool_or(process() = :leader) AS by_leader FROM many;
SELECT count(*) AS acme FROM many WHERE tenant_id = tenant_guard.tenant_id_uuid()
   AND tenant_guard.subject() = 'user_a' AND tenant_guard.attribute('role') = 'viewer'
   AND tenant_guard.claim('tenant_id') = tenant_guard.tenant_id()
   AND current_setting('tenant_guard.tenant_id') = tenant_guard.tenant_id();
ROLLBACK;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT FROM tenant_guard.authenticate(:'b_hs');
SELECT plan_of('SELECT count(*) FROM many') AS is_parallel;
SELECT count(*) AS globex FROM many;
ROLLBACK;
RESET ROLE;

DROP TABLE many, numbers;
DROP PROCEDURE commits, loops;
DROP FUNCTION context, attempt, lasting_context, sign_in_under_set, process, plan_of;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app;
DROP ROLE regress_tg_app;
