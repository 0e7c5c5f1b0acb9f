-- The shape of the catalog: what is there, how it may be called, by whom, and that all of it is documented.
BEGIN;
SET client_min_messages = warning;
SELECT no_plan();

SELECT has_schema('tenant_guard');
SELECT ok(s.privileges = '{USAGE}', 'PUBLIC may use the schema and create nothing in it')
  FROM (SELECT array_agg(a.privilege_type ORDER BY a.privilege_type) AS privileges
          FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'tenant_guard' AND a.grantee = 0) s;

-- The contract's functions: arguments, result, volatility, parallel safety.
CREATE TEMPORARY TABLE contract (signature text PRIMARY KEY, result text, volatility "char", parallel "char", public boolean)
  ON COMMIT DROP;
INSERT INTO contract VALUES
  ('authenticate(text)', 'text', 'v', 'u', true),
  ('tenant_id()', 'text', 's', 's', true),
  ('tenant_id_uuid()', 'uuid', 's', 's', true),
  ('tenant_id_bigint()', 'bigint', 's', 's', true),
  ('tenant_id_int()', 'integer', 's', 's', true),
  ('subject()', 'text', 's', 's', true),
  ('claims()', 'jsonb', 's', 's', true),
  ('claim(text[])', 'text', 's', 's', true),
  ('attribute(text)', 'text', 's', 's', true),
  ('cache_key(text,text[])', 'text', 's', 's', true),
  ('query(text,text,jsonb,integer)', 'SETOF jsonb', 'v', 'u', true),
  ('explain_access(text,regrole)', 'SETOF record', 'v', 'u', true),
  ('allow_function(regprocedure,text)', 'void', 'v', 'u', false),
  ('add_jwk(jsonb,text)', 'text', 'v', 'u', false),
  ('add_pem(text,text,text,text)', 'void', 'v', 'u', false),
  ('add_secret(text,text,bytea,text)', 'void', 'v', 'u', false),
  ('retire_key(text,text)', 'void', 'v', 'u', false),
  ('add_jwks(jsonb,text)', 'integer', 'v', 'u', false),
  ('add_issuer(text,text[],text,text,interval,interval)', 'void', 'v', 'u', false),
  ('require_token_type(text,text)', 'void', 'v', 'u', false),
  ('revoke_token(text,timestamptz)', 'void', 'v', 'u', false),
  ('revoke_subject(text,timestamptz)', 'void', 'v', 'u', false),
  ('revoke_tenant(text,timestamptz)', 'void', 'v', 'u', false),
  ('verify(text)', 'record', 'v', 'u', false),
  ('protect(regclass,name)', 'TABLE(relation regclass, action text, statement text)', 'v', 'u', false),
  ('protect_all(boolean)', 'TABLE(relation regclass, action text, statement text)', 'v', 'u', false),
  ('protect_via(regclass,regclass,name)', 'TABLE(relation regclass, action text, statement text)', 'v', 'u', false),
  ('restrict_by_attribute(regclass,name,text)', 'TABLE(relation regclass, action text, statement text)', 'v', 'u', false),
  ('unrestrict(regclass,name,text)', 'TABLE(relation regclass, action text, statement text)', 'v', 'u', false),
  ('secure_view(regclass,text,name)', 'TABLE(relation regclass, action text, statement text)', 'v', 'u', false),
  ('tenant_column_migration(regclass,name,integer)', 'TABLE(step integer, in_transaction boolean, statement text)', 's', 'u', false),
  ('protect_by_own_column(regclass,name)', 'TABLE(relation regclass, action text, statement text)', 'v', 'u', false),
  ('unprotect(regclass)', 'TABLE(relation regclass, action text, statement text)', 'v', 'u', false),
  ('declare_shared(regclass,text,boolean)', 'void', 'v', 'u', false),
  ('undeclare_shared(regclass)', 'void', 'v', 'u', false),
  ('guard_role(regrole,text)', 'void', 'v', 'u', false);
SELECT isnt(to_regprocedure('tenant_guard.' || signature), NULL, signature || ' exists') FROM contract ORDER BY signature;
SELECT is(pg_get_function_result(p.oid), c.result, c.signature || ' returns ' || c.result)
  FROM contract c JOIN pg_proc p ON p.oid = to_regprocedure('tenant_guard.' || c.signature) ORDER BY c.signature;
SELECT is(p.provolatile::text || p.proparallel::text, c.volatility::text || c.parallel::text,
          c.signature || ': volatility and parallel safety')
  FROM contract c JOIN pg_proc p ON p.oid = to_regprocedure('tenant_guard.' || c.signature) ORDER BY c.signature;
SELECT is(has_function_privilege('public', p.oid, 'EXECUTE'), c.public,
          c.signature || CASE WHEN c.public THEN ': anybody may call it' ELSE ': for administrators only' END)
  FROM contract c JOIN pg_proc p ON p.oid = to_regprocedure('tenant_guard.' || c.signature) ORDER BY c.signature;
SELECT is(pg_get_function_arguments('tenant_guard.cache_key(text,text[])'::regprocedure),
          'query text, VARIADIC params text[] DEFAULT ''{}''::text[]', 'cache_key: parameters are variadic');
SELECT is(pg_get_function_arguments('tenant_guard.protect(regclass,name)'::regprocedure),
          'relation regclass, tenant_column name DEFAULT NULL::name', 'protect: argument names');
SELECT is(pg_get_function_arguments('tenant_guard.declare_shared(regclass,text,boolean)'::regprocedure),
          'relation regclass, reason text, writable boolean DEFAULT false', 'declare_shared: argument names');
SELECT is(pg_get_function_arguments('tenant_guard.guard_role(regrole,text)'::regprocedure),
          'role regrole, mode text DEFAULT ''always''::text', 'guard_role: argument names');

-- PUBLIC may call exactly the readers, authenticate and what these need.
SELECT set_eq(
  $$ SELECT p.oid::regprocedure::text FROM pg_proc p
      WHERE p.pronamespace = 'tenant_guard'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
        AND p.oid NOT IN ('tenant_guard.policies_in_force()'::regprocedure, 'tenant_guard.file_keys()'::regprocedure)
        -- What the conditions of restrict_by_attribute() call.
        AND p.proname !~ '^attribute_(texts|uuids|booleans|bigints|numerics)$' $$,
  $$ SELECT to_regprocedure('tenant_guard.' || signature)::text FROM contract WHERE public $$,
  'PUBLIC may execute exactly the documented functions');
SELECT is_empty(
  $$ SELECT c.oid::regclass, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
      WHERE c.relnamespace = 'tenant_guard'::regnamespace AND a.grantee = 0 $$,
  'PUBLIC has no rights on any table or view');
SELECT is_empty(
  $$ SELECT a.attrelid::regclass, a.attname FROM pg_attribute a, aclexplode(a.attacl) x
      WHERE a.attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'tenant_guard'::regnamespace) AND x.grantee = 0 $$,
  'PUBLIC has no rights on any column');

-- SECURITY DEFINER functions pin their search_path, with pg_temp last.
SELECT is_empty(
  $$ SELECT p.oid::regprocedure FROM pg_proc p
      WHERE p.pronamespace = 'tenant_guard'::regnamespace AND p.prosecdef
        AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false) $$,
  'every SECURITY DEFINER function has search_path = pg_catalog, pg_temp');
-- What policies and defaults call must work wherever they are called from.
SELECT is_empty(
  $$ SELECT p.oid::regprocedure FROM pg_proc p
      WHERE p.pronamespace = 'tenant_guard'::regnamespace AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
        AND p.proname LIKE 'tenant_id%' AND (p.provolatile <> 's' OR p.proparallel <> 's' OR p.prosecdef) $$,
  'the readers are stable, parallel safe and plain');

-- Everything is documented where psql shows it.
SELECT is_empty(
  $$ SELECT p.oid::regprocedure FROM pg_proc p
      WHERE p.pronamespace = 'tenant_guard'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL $$,
  'every function has a comment');
SELECT is_empty(
  $$ SELECT c.oid::regclass FROM pg_class c
      WHERE c.relnamespace = 'tenant_guard'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND obj_description(c.oid, 'pg_class') IS NULL $$,
  'every table and view has a comment');

-- Everything belongs to the extension, so that dump and drop know it.
SELECT is_empty(
  $$ SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'tenant_guard'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
     UNION ALL
     SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'tenant_guard'::regnamespace AND c.relkind IN ('r', 'v')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') $$,
  'every object is a member of the extension');
SELECT is_empty(
  $$ SELECT unnest(extconfig)::regclass FROM pg_extension WHERE extname = 'tenant_guard'
     INTERSECT SELECT 'tenant_guard.signing_keys'::regclass $$,
  'keys are not dumped');
-- A row that replication brings is noticed as well.
SELECT is_empty(
  $$ SELECT t.tgrelid::regclass, t.tgname FROM pg_trigger t
      WHERE t.tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'tenant_guard'::regnamespace)
        AND t.tgname IN ('declaration_changed', 'table_changed') AND t.tgenabled <> 'A' $$,
  'triggers that tell sessions of changes fire always');

-- Settings: nobody but a superuser sets them, and none shows a token.
SELECT set_eq(
  $$ SELECT name FROM pg_settings WHERE name LIKE 'tenant\_guard.%' AND context NOT IN ('superuser', 'sighup', 'postmaster') $$,
  ARRAY[]::text[], 'every visible setting is the superuser''s');
SELECT is(current_setting('tenant_guard.enforce'), 'authenticated', 'enforce is authenticated by default');
SELECT is(current_setting('tenant_guard.auto_protect'), 'on', 'auto_protect is on by default');
SELECT is(current_setting('tenant_guard.tenant_column'), 'tenant_id', 'tenant_column is tenant_id by default');
SELECT is(current_setting('tenant_guard.expiry'), 'statement', 'expiry is statement by default');
SELECT is(current_setting('tenant_guard.require_exp'), 'on', 'require_exp is on by default');
SELECT is(current_setting('tenant_guard.session_state'), 'refuse', 'session_state is refuse by default');

SELECT has_view('tenant_guard', 'protection', 'protection');
SELECT columns_are('tenant_guard', 'protection',
  ARRAY['relation', 'kind', 'status', 'tenant_column', 'reason', 'findings', 'how']);
SELECT has_view('tenant_guard', 'keys', 'keys');
SELECT columns_are('tenant_guard', 'keys', ARRAY['kid', 'issuer', 'alg', 'status', 'added', 'retired', 'source']);

-- pg_upgrade keeps the OIDs of relations, roles and types, and refuses columns of the other reg* types.
SELECT is_empty($$
  SELECT a.attrelid::regclass, a.attname, a.atttypid::regtype
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
   WHERE c.relnamespace = 'tenant_guard'::regnamespace AND c.relkind IN ('r', 'm', 'i') AND NOT a.attisdropped
     AND coalesce(nullif(t.typelem, 0), t.oid)::regtype::text ~ '^reg' AND coalesce(nullif(t.typelem, 0), t.oid)::regtype::text NOT IN ('regclass', 'regrole', 'regtype')
$$, 'no column has a type that pg_upgrade refuses');

SELECT * FROM finish();
ROLLBACK;
