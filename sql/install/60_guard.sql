-- Who is guarded.

CREATE FUNCTION tenant_guard.guard_role(role regrole, mode text DEFAULT 'always')
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF role IS NULL OR mode IS NULL OR mode NOT IN ('off', 'warn', 'authenticated', 'always') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('invalid mode "%s"', mode),
      HINT = 'Modes are off, warn, authenticated and always.';
  END IF;
  IF (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = role) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('role "%s" is a superuser and cannot be guarded', role),
      DETAIL = 'A superuser can switch everything off.',
      HINT = 'Let the application log in as a role without superuser rights.';
  END IF;
  INSERT INTO tenant_guard.guarded_roles AS g VALUES (role, mode)
  ON CONFLICT ON CONSTRAINT guarded_roles_pkey DO UPDATE SET mode = EXCLUDED.mode;
  -- For new sessions, and where administrators look; the table reaches sessions that are there.
  EXECUTE format('ALTER ROLE %s SET tenant_guard.enforce = %L', role, mode);
END
$$;
COMMENT ON FUNCTION tenant_guard.guard_role(regrole, text) IS
  'Sets how an application''s role is guarded: off, warn, authenticated or always. Takes effect in '
  'running sessions too; the stricter of this and "tenant_guard.enforce" counts.';
