-- SECURITY DEFINER functions that must cross tenants. The library reads the table by itself.

-- By name and not by OID: pg_upgrade gives functions other OIDs, and refuses columns of type regprocedure.
CREATE TABLE tenant_guard.vouchers (
  function    text COLLATE "C" PRIMARY KEY,
  definition  bytea NOT NULL,
  reason      text NOT NULL CHECK (reason <> ''),
  allowed_by  name NOT NULL DEFAULT session_user,
  allowed_at  timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE tenant_guard.vouchers IS
  'Functions named by allow_function(), each with the digest of the definition that it had then.';
REVOKE ALL ON tenant_guard.vouchers FROM PUBLIC;

CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.vouchers
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
ALTER TABLE tenant_guard.vouchers ENABLE ALWAYS TRIGGER table_changed;

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.vouchers', '');

CREATE FUNCTION tenant_guard.function_signature(function regprocedure) RETURNS text
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_function_signature';
COMMENT ON FUNCTION tenant_guard.function_signature(regprocedure) IS
  'The name of a function and its arguments, qualified whatever the search_path.';

CREATE FUNCTION tenant_guard.function_definition(function regprocedure) RETURNS bytea
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_function_definition';
COMMENT ON FUNCTION tenant_guard.function_definition(regprocedure) IS
  'A digest of owner, arguments, result, language, body, flags and settings of a function.';

CREATE FUNCTION tenant_guard.why_refused(function regprocedure) RETURNS text
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_why_refused';
COMMENT ON FUNCTION tenant_guard.why_refused(regprocedure) IS
  'Why a function of the server or of an extension is refused in guarded transactions; NULL if it is not.';

CREATE FUNCTION tenant_guard.function_uses(OUT function oid, OUT uses bigint, OUT last_used timestamptz)
  RETURNS SETOF record LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'tenant_guard_function_uses';
COMMENT ON FUNCTION tenant_guard.function_uses() IS
  'How often each vouched function of this database crossed tenants since the server started.';

CREATE FUNCTION tenant_guard.allow_function(function regprocedure, reason text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  definer record;
BEGIN
  IF function IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'function must not be null';
  END IF;
  IF coalesce(reason, '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'a function that crosses tenants needs a reason',
      HINT = format('Run SELECT tenant_guard.allow_function(%L, ''reason'').', function);
  END IF;
  SELECT p.prosecdef, p.prokind, p.proconfig INTO definer FROM pg_proc p WHERE p.oid = function;
  IF definer.prosecdef IS NOT TRUE OR definer.prokind NOT IN ('f', 'p') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('function "%s" is not SECURITY DEFINER', function),
      DETAIL = 'It reads with the rights of its caller, for whom a voucher would change nothing.',
      HINT = format('Run ALTER FUNCTION %s SECURITY DEFINER first.', function);
  END IF;
  IF NOT EXISTS (SELECT FROM unnest(definer.proconfig) c WHERE c LIKE 'search_path=%') THEN
    RAISE WARNING USING
      ERRCODE = '01000',
      MESSAGE = format('function "%s" has no search_path of its own', function),
      DETAIL = 'Its caller decides what the names in it mean.',
      HINT = format('Run ALTER FUNCTION %s SET search_path = ..., with pg_temp at the end, and allow_function() again.', function);
  END IF;
  INSERT INTO tenant_guard.vouchers AS v
  VALUES (tenant_guard.function_signature(function), tenant_guard.function_definition(function), reason)
  ON CONFLICT ON CONSTRAINT vouchers_pkey DO UPDATE
     SET definition = EXCLUDED.definition, reason = EXCLUDED.reason, allowed_by = EXCLUDED.allowed_by,
         allowed_at = EXCLUDED.allowed_at;
END
$$;
COMMENT ON FUNCTION tenant_guard.allow_function(regprocedure, text) IS
  'Vouches for a SECURITY DEFINER function that must cross tenants: what it reads as its owner is let through, until '
  'its definition changes. SQLSTATE 42809 if it is not SECURITY DEFINER, 22023 without a reason.';

CREATE FUNCTION tenant_guard.disallow_function(function regprocedure) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF function IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'function must not be null';
  END IF;
  DELETE FROM tenant_guard.vouchers v WHERE v.function = tenant_guard.function_signature(disallow_function.function);
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('function "%s" is not vouched for', function),
      HINT = 'SELECT * FROM tenant_guard.allowed_functions shows which are.';
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.disallow_function(regprocedure) IS
  'Takes back what allow_function() did, for every session at its next statement. SQLSTATE 55000 if there is nothing '
  'to take back.';

CREATE VIEW tenant_guard.allowed_functions AS
  SELECT v.function,
         pg_catalog.pg_get_userbyid(p.proowner) AS owner,
         CASE WHEN p.oid IS NULL THEN 'renamed'
              WHEN v.definition = tenant_guard.function_definition(p.oid) THEN 'in force'
              ELSE 'changed' END AS status,
         v.reason, v.allowed_by, v.allowed_at, coalesce(u.uses, 0) AS uses, u.last_used
    FROM tenant_guard.vouchers v
    LEFT JOIN pg_catalog.pg_proc p ON p.oid = pg_catalog.to_regprocedure(v.function)
    LEFT JOIN tenant_guard.function_uses() u ON u.function = p.oid;
COMMENT ON VIEW tenant_guard.allowed_functions IS
  'Functions that allow_function() vouches for; whether the voucher is in force or was lost with a change of the '
  'function; and how often each crossed tenants since the server started.';
