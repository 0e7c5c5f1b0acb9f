-- Revocation before expiry. From its commit on, the next authenticate() of every session refuses.

CREATE FUNCTION tenant_guard.revoke(kind text, value text, issued_before timestamptz, until timestamptz)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(value, '') = '' OR coalesce(issued_before, until) IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('the %s to revoke and the time must not be null or empty', kind);
  END IF;
  -- Entries leave when the tokens they block have expired.
  DELETE FROM tenant_guard.revocations r WHERE r.until <= now();
  INSERT INTO tenant_guard.revocations AS r VALUES (kind, value, issued_before, until)
  ON CONFLICT ON CONSTRAINT revocations_pkey DO UPDATE
     SET issued_before = greatest(r.issued_before, EXCLUDED.issued_before),
         until = greatest(r.until, EXCLUDED.until);
END
$$;
COMMENT ON FUNCTION tenant_guard.revoke(text, text, timestamptz, timestamptz) IS
  'Does the work of revoke_token(), revoke_subject() and revoke_tenant().';

CREATE FUNCTION tenant_guard.revoke_token(jti text, until timestamptz) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT tenant_guard.revoke('token', $1, NULL, $2) $$;
COMMENT ON FUNCTION tenant_guard.revoke_token(text, timestamptz) IS
  'Refuses the token with this "jti" (RFC 7519 section 4.1.7); until when it would have expired.';

CREATE FUNCTION tenant_guard.revoke_subject(sub text, issued_before timestamptz DEFAULT now()) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT tenant_guard.revoke('subject', $1, $2, NULL) $$;
COMMENT ON FUNCTION tenant_guard.revoke_subject(text, timestamptz) IS
  'Refuses tokens of this subject that were issued before a time, or do not say when they were issued.';

CREATE FUNCTION tenant_guard.revoke_tenant(tenant text, issued_before timestamptz DEFAULT now()) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT tenant_guard.revoke('tenant', $1, $2, NULL) $$;
COMMENT ON FUNCTION tenant_guard.revoke_tenant(text, timestamptz) IS
  'Refuses tokens of this tenant that were issued before a time, or do not say when they were issued.';
