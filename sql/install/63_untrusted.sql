-- What the untrusted profile lets SQL of a model or a stranger call. The library reads the table by itself.

-- By name, as tenant_guard.vouchers.
CREATE TABLE tenant_guard.untrusted_vouchers (
  function    text COLLATE "C" PRIMARY KEY,
  definition  bytea NOT NULL,
  reason      text NOT NULL CHECK (reason <> ''),
  allowed_by  name NOT NULL DEFAULT session_user,
  allowed_at  timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE tenant_guard.untrusted_vouchers IS
  'Functions named by allow_untrusted_function(), each with the digest of the definition that it had then.';
REVOKE ALL ON tenant_guard.untrusted_vouchers FROM PUBLIC;

CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.untrusted_vouchers
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
ALTER TABLE tenant_guard.untrusted_vouchers ENABLE ALWAYS TRIGGER table_changed;

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.untrusted_vouchers', '');

CREATE FUNCTION tenant_guard.allow_untrusted_function(function regprocedure, reason text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF function IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'function must not be null';
  END IF;
  IF coalesce(reason, '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'a function for untrusted transactions needs a reason',
      HINT = format('Run SELECT tenant_guard.allow_untrusted_function(%L, ''reason'').', function);
  END IF;
  IF (SELECT p.prokind NOT IN ('f', 'w') FROM pg_proc p WHERE p.oid = function) IS NOT FALSE THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('"%s" cannot be allowed to untrusted transactions', function),
      DETAIL = 'It is an aggregate or a procedure, or it does not exist.',
      HINT = 'Allow a function.';
  END IF;
  INSERT INTO tenant_guard.untrusted_vouchers AS v
  VALUES (tenant_guard.function_signature(function), tenant_guard.function_definition(function), reason)
  ON CONFLICT ON CONSTRAINT untrusted_vouchers_pkey DO UPDATE
     SET definition = EXCLUDED.definition, reason = EXCLUDED.reason, allowed_by = EXCLUDED.allowed_by,
         allowed_at = EXCLUDED.allowed_at;
END
$$;
COMMENT ON FUNCTION tenant_guard.allow_untrusted_function(regprocedure, text) IS
  'Lets untrusted transactions call the function until its definition changes; what it calls itself must be allowed too, '
  'unless it is SECURITY DEFINER. SQLSTATE 42809 if it is no function, 22023 without a reason.';

CREATE FUNCTION tenant_guard.disallow_untrusted_function(function regprocedure) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF function IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'function must not be null';
  END IF;
  DELETE FROM tenant_guard.untrusted_vouchers v
   WHERE v.function = tenant_guard.function_signature(disallow_untrusted_function.function);
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('function "%s" was not allowed to untrusted transactions', function),
      HINT = 'SELECT * FROM tenant_guard.untrusted_vouchers shows which are.';
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.disallow_untrusted_function(regprocedure) IS
  'Takes back what allow_untrusted_function() did, for every session at its next statement. SQLSTATE 55000 if there is '
  'nothing to take back.';

CREATE FUNCTION tenant_guard.why_allowed_untrusted(function regprocedure) RETURNS text
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_why_allowed_untrusted';
COMMENT ON FUNCTION tenant_guard.why_allowed_untrusted(regprocedure) IS
  'Why an untrusted transaction may call the function; NULL if it may not.';

CREATE VIEW tenant_guard.untrusted_functions AS
  SELECT p.oid::regprocedure AS function, w.reason
    FROM pg_catalog.pg_proc p
   CROSS JOIN LATERAL (SELECT tenant_guard.why_allowed_untrusted(p.oid::regprocedure) AS reason) w
   WHERE w.reason IS NOT NULL;
COMMENT ON VIEW tenant_guard.untrusted_functions IS
  'The functions that an untrusted transaction may call, each with the reason. All others are refused.';
