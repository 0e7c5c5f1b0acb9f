-- Revocation before expiry. From its commit on, the next authenticate() of every session refuses.

-- A token's expiry is not known before it comes, but where its issuer has a max_age, its age is bounded. Retired keys
-- count too, since they can be made active again.
CREATE FUNCTION tenant_guard.oldest_good_issue() RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT now() - make_interval(secs => max(i.max_age + i.leeway))
    FROM tenant_guard.keys k LEFT JOIN tenant_guard.issuers i ON i.issuer = k.issuer
  HAVING bool_and(i.max_age IS NOT NULL)
$$;
COMMENT ON FUNCTION tenant_guard.oldest_good_issue() IS
  'No token issued before this time is accepted any more, by the max_age of the issuers; NULL if a key has no such bound.';

CREATE FUNCTION tenant_guard.purge_revocations() RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH gone AS (
    DELETE FROM tenant_guard.revocations r
     WHERE r.until <= now() OR (r.until IS NULL AND r.issued_before <= tenant_guard.oldest_good_issue())
    RETURNING 1)
  SELECT count(*) FROM gone
$$;
COMMENT ON FUNCTION tenant_guard.purge_revocations() IS
  'Deletes revocations that block nothing any more, and returns how many: those whose token has expired, and those of '
  'subjects and tenants that are older than any token can be. Each new revocation does the same.';

CREATE FUNCTION tenant_guard.revoke(kind text, value text, issued_before timestamptz, until timestamptz)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(value, '') = '' OR coalesce(issued_before, until) IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('the %s to revoke and the time must not be null or empty', kind);
  END IF;
  PERFORM tenant_guard.purge_revocations();
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
