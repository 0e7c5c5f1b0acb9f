-- Keys and issuers. For administrators: SECURITY DEFINER, because nobody has rights on the tables,
-- and EXECUTE is granted by the superuser only.

CREATE FUNCTION tenant_guard.import_secret(kid text, alg text, secret bytea,
    OUT kid_out text, OUT algorithm text, OUT material bytea)
  LANGUAGE c STRICT IMMUTABLE AS 'MODULE_PATHNAME', 'tenant_guard_import_secret';
COMMENT ON FUNCTION tenant_guard.import_secret(text, text, bytea) IS
  'Judges an HMAC secret and returns what add_secret() stores.';

CREATE FUNCTION tenant_guard.import_pem(kid text, alg text, pem text,
    OUT kid_out text, OUT algorithm text, OUT material bytea)
  LANGUAGE c STRICT IMMUTABLE AS 'MODULE_PATHNAME', 'tenant_guard_import_pem';
COMMENT ON FUNCTION tenant_guard.import_pem(text, text, text) IS
  'Judges a PEM public key and returns what add_pem() stores.';

CREATE FUNCTION tenant_guard.import_jwk(jwk text,
    OUT kid_out text, OUT algorithm text, OUT material bytea)
  LANGUAGE c STRICT IMMUTABLE AS 'MODULE_PATHNAME', 'tenant_guard_import_jwk';
COMMENT ON FUNCTION tenant_guard.import_jwk(text) IS
  'Judges a JWK (RFC 7517) and returns what add_jwk() stores.';

CREATE FUNCTION tenant_guard.store_key(kid text, algorithm text, material bytea, issuer text)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bound_issuer text := coalesce(store_key.issuer, '');
BEGIN
  IF bound_issuer <> '' AND NOT EXISTS (
      SELECT FROM tenant_guard.issuers i WHERE i.issuer = bound_issuer) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('issuer "%s" is not configured', bound_issuer),
      HINT = format('Run SELECT tenant_guard.add_issuer(%L) first.', bound_issuer);
  END IF;
  -- A kid that is already there keeps its meaning: tokens in circulation name it.
  IF EXISTS (SELECT FROM tenant_guard.signing_keys k
             WHERE k.kid = store_key.kid AND k.issuer = bound_issuer
               AND (k.material <> store_key.material OR k.algorithm <> store_key.algorithm)) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'duplicate_object',
      MESSAGE = format('another key with kid "%s" exists', kid),
      HINT = 'Add the new key under a kid of its own, and retire the old one with '
             'tenant_guard.retire_key().';
  END IF;
  -- As many as a session loads: one more would end every authenticate(), and not only this call.
  IF (SELECT count(*) >= 1024 AND count(*) FILTER (WHERE k.kid = store_key.kid AND k.issuer = bound_issuer) = 0
        FROM tenant_guard.signing_keys k) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'program_limit_exceeded',
      MESSAGE = 'more than 1024 keys are configured',
      HINT = 'Delete retired keys from tenant_guard.signing_keys.';
  END IF;
  INSERT INTO tenant_guard.signing_keys AS k (kid, issuer, algorithm, material)
  VALUES (store_key.kid, bound_issuer, store_key.algorithm, store_key.material)
  ON CONFLICT ON CONSTRAINT signing_keys_pkey DO UPDATE SET retired = NULL WHERE k.retired IS NOT NULL;
END
$$;
COMMENT ON FUNCTION tenant_guard.store_key(text, text, bytea, text) IS
  'Stores an imported key; a retired key that is added again is active again.';

CREATE FUNCTION tenant_guard.add_secret(kid text, alg text, secret bytea, issuer text DEFAULT NULL)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  imported record;
BEGIN
  IF kid IS NULL OR alg IS NULL OR secret IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'kid, alg and secret must not be null';
  END IF;
  imported := tenant_guard.import_secret(kid, alg, secret);
  PERFORM tenant_guard.store_key(imported.kid_out, imported.algorithm, imported.material, issuer);
END
$$;
COMMENT ON FUNCTION tenant_guard.add_secret(text, text, bytea, text) IS
  'Adds an HMAC secret for HS256, HS384 or HS512; at least as long as the hash (RFC 7518 section 3.2). '
  'A key that is too weak or unreadable is refused with SQLSTATE 22023.';

CREATE FUNCTION tenant_guard.add_pem(kid text, alg text, pem text, issuer text DEFAULT NULL)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  imported record;
BEGIN
  IF kid IS NULL OR alg IS NULL OR pem IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'kid, alg and pem must not be null';
  END IF;
  imported := tenant_guard.import_pem(kid, alg, pem);
  PERFORM tenant_guard.store_key(imported.kid_out, imported.algorithm, imported.material, issuer);
END
$$;
COMMENT ON FUNCTION tenant_guard.add_pem(text, text, text, text) IS
  'Adds a PEM public key (RFC 7468) for an RS, PS, ES or EdDSA algorithm. Refused with SQLSTATE 22023 '
  'when it is too weak, unreadable or private.';

CREATE FUNCTION tenant_guard.add_jwk(jwk jsonb, issuer text DEFAULT NULL)
  RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  imported record;
BEGIN
  IF jwk IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'jwk must not be null';
  END IF;
  imported := tenant_guard.import_jwk(jwk::text);
  PERFORM tenant_guard.store_key(imported.kid_out, imported.algorithm, imported.material, issuer);
  RETURN imported.kid_out;
END
$$;
COMMENT ON FUNCTION tenant_guard.add_jwk(jsonb, text) IS
  'Adds one JWK (RFC 7517) and returns its kid: the member, or the RFC 7638 thumbprint.';

CREATE FUNCTION tenant_guard.add_jwks(jwks jsonb, issuer text DEFAULT NULL)
  RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  jwk jsonb;
  added text;
  kept text[] := '{}';
  twice text;
  refusal text;
BEGIN
  IF jsonb_typeof(jwks -> 'keys') IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'not a JWK set',
      DETAIL = 'A JWK set is an object with an array "keys" (RFC 7517 section 5).';
  END IF;
  -- A set with public keys is one that is published: a secret in it is a secret no more.
  IF (SELECT count(DISTINCT (k ->> 'kty') = 'oct') > 1 FROM jsonb_array_elements(jwks -> 'keys') k) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'the JWK set mixes secrets with public keys',
      DETAIL = 'A set with public keys is made to be published. The ring is as it was.',
      HINT = 'Replace the secrets if anybody saw the set, and add them with tenant_guard.add_secret().';
  END IF;
  -- Unusable keys count too: which of two keys a kid means must not depend on what we can read.
  SELECT k ->> 'kid' INTO twice FROM jsonb_array_elements(jwks -> 'keys') k
   WHERE k ->> 'kid' <> '' GROUP BY 1 HAVING count(*) > 1 LIMIT 1;
  FOR jwk IN SELECT jsonb_array_elements(jwks -> 'keys') LOOP
    EXIT WHEN twice IS NOT NULL;
    BEGIN
      added := tenant_guard.add_jwk(jwk, issuer);
      -- A key without a kid is named by its thumbprint, which another may have as its kid.
      twice := CASE WHEN added = ANY (kept) THEN added END;
      kept := kept || added;
    EXCEPTION WHEN invalid_parameter_value THEN
      -- Sets hold keys for other uses and of other kinds too (RFC 7517 section 5): they are left out.
      GET STACKED DIAGNOSTICS refusal = PG_EXCEPTION_DETAIL;
      RAISE WARNING USING MESSAGE = format('key "%s" of the set is left out', jwk ->> 'kid'),
        DETAIL = refusal;
    END;
  END LOOP;
  IF twice IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('the JWK set has two keys with kid "%s"', left(twice, 256)),
      DETAIL = 'A kid names one key (RFC 7517 section 4.5). The ring is as it was.',
      HINT = 'Ask the issuer for a set without duplicates, or add the keys that you need with '
             'tenant_guard.add_jwk().';
  END IF;
  IF kept = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'the JWK set has no usable key',
      DETAIL = 'The ring is as it was.';
  END IF;
  UPDATE tenant_guard.signing_keys k SET retired = now()
   WHERE k.issuer = coalesce(add_jwks.issuer, '') AND k.retired IS NULL AND k.kid <> ALL (kept);
  RETURN cardinality(kept);
END
$$;
COMMENT ON FUNCTION tenant_guard.add_jwks(jsonb, text) IS
  'Makes the ring of an issuer equal to a JWK set (RFC 7517 section 5): adds its keys, retires those that '
  'left, and returns how many are active. Keys that cannot be used are left out with a WARNING. A set that '
  'mixes secrets with public keys or names two keys alike is refused with SQLSTATE 22023.';

CREATE FUNCTION tenant_guard.retire_key(kid text, issuer text DEFAULT NULL)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE tenant_guard.signing_keys k SET retired = coalesce(k.retired, now())
   WHERE k.kid = retire_key.kid AND k.issuer = coalesce(retire_key.issuer, '');
  -- A key of tenant_guard.jwks_file: the table overrules the file, and its row reaches every session and standby.
  IF NOT FOUND THEN
    INSERT INTO tenant_guard.signing_keys (kid, issuer, algorithm, material, retired)
    SELECT f.kid, f.issuer, f.algorithm, '', now() FROM tenant_guard.file_keys() f
     WHERE f.kid = retire_key.kid AND f.issuer = coalesce(retire_key.issuer, '');
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'undefined_object',
      MESSAGE = format('key "%s" does not exist', kid),
      DETAIL = CASE WHEN issuer IS NULL THEN 'No key without an issuer has this kid.'
                    ELSE format('No key of issuer "%s" has this kid.', issuer) END,
      HINT = 'SELECT * FROM tenant_guard.keys lists the keys.';
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.retire_key(text, text) IS
  'Retires a key, of the table or of tenant_guard.jwks_file: from its commit on, the next authenticate() of every '
  'session refuses its tokens. SQLSTATE 42704 if there is none.';

CREATE FUNCTION tenant_guard.add_issuer(issuer text, audience text[] DEFAULT NULL,
    tenant_claim text DEFAULT 'tenant_id', attributes_claim text DEFAULT 'user_attributes',
    leeway interval DEFAULT '0', max_age interval DEFAULT NULL)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF issuer IS NULL OR tenant_claim IS NULL OR attributes_claim IS NULL OR leeway IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'issuer, tenant_claim, attributes_claim and leeway must not be null';
  END IF;
  IF issuer = '' OR tenant_claim = '' OR attributes_claim = '' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'issuer, tenant_claim and attributes_claim must not be empty',
      HINT = 'Keys that are bound to no issuer need no add_issuer().';
  END IF;
  IF leeway NOT BETWEEN '0' AND '1 day' OR max_age <= '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'leeway must be between 0 and one day, and max_age positive',
      DETAIL = format('leeway is %s, max_age is %s.', leeway, coalesce(max_age::text, 'null'));
  END IF;
  INSERT INTO tenant_guard.issuers (issuer, audience, tenant_claim, attributes_claim, leeway, max_age) VALUES (
      $1, $2, $3, $4, extract(epoch FROM $5)::bigint, extract(epoch FROM $6)::bigint)
  ON CONFLICT ON CONSTRAINT issuers_pkey DO UPDATE
     SET audience = EXCLUDED.audience, tenant_claim = EXCLUDED.tenant_claim,
         attributes_claim = EXCLUDED.attributes_claim, leeway = EXCLUDED.leeway,
         max_age = EXCLUDED.max_age;
END
$$;
COMMENT ON FUNCTION tenant_guard.add_issuer(text, text[], text, text, interval, interval) IS
  'Sets the claim rules of an issuer. Claim names may be paths such as app_metadata.org.id. Keys are '
  'bound to it by their issuer argument.';

CREATE FUNCTION tenant_guard.require_token_type(issuer text, token_type text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF token_type NOT IN ('JWT', 'at+jwt') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('invalid token type "%s"', token_type),
      HINT = 'It is JWT, at+jwt (RFC 9068), or NULL for both and for tokens that do not say.';
  END IF;
  UPDATE tenant_guard.issuers i SET token_type = $2 WHERE i.issuer = $1;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_object',
      MESSAGE = format('issuer "%s" is not configured', issuer),
      HINT = format('Run SELECT tenant_guard.add_issuer(%L) first.', issuer);
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.require_token_type(text, text) IS
  'Demands that tokens of an issuer say in "typ" that they are JWT or at+jwt (RFC 9068); NULL takes it back. '
  'Other tokens are refused with SQLSTATE 28T20. A later add_issuer() leaves it alone.';

CREATE FUNCTION tenant_guard.file_keys(OUT kid text, OUT issuer text, OUT algorithm text, OUT added timestamptz)
  RETURNS SETOF record LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'tenant_guard_file_keys';
COMMENT ON FUNCTION tenant_guard.file_keys() IS
  'The keys of tenant_guard.jwks_file as this session has read it, without their material; added is when the '
  'file was written. SQLSTATE 42501 without the right to read the view keys.';

-- A key of the file counts where the table has none of its name and issuer (src/keys/key_store.cc).
CREATE VIEW tenant_guard.keys AS
  SELECT k.kid, nullif(k.issuer, '') AS issuer,
         pg_catalog.split_part(k.algorithm, '-', 1) AS alg,
         CASE WHEN k.retired IS NULL THEN 'active' ELSE 'retired' END AS status,
         k.added, k.retired, 'table' AS source
    FROM tenant_guard.signing_keys k
  UNION ALL
  SELECT f.kid, nullif(f.issuer, ''), pg_catalog.split_part(f.algorithm, '-', 1),
         CASE WHEN f.issuer = '' OR EXISTS (SELECT FROM tenant_guard.issuers i WHERE i.issuer = f.issuer)
              THEN 'active' ELSE 'unknown issuer' END,
         f.added, NULL, 'file'
    FROM tenant_guard.file_keys() f
   WHERE NOT EXISTS (SELECT FROM tenant_guard.signing_keys k WHERE k.kid = f.kid AND k.issuer = f.issuer);
COMMENT ON VIEW tenant_guard.keys IS
  'The keys that tokens are verified with, without their material: those of the table, and those of '
  'tenant_guard.jwks_file.';
REVOKE ALL ON tenant_guard.keys FROM PUBLIC;

CREATE FUNCTION tenant_guard.verify(jwt text, OUT valid boolean, OUT reason text, OUT kid text,
    OUT alg text, OUT header jsonb, OUT payload jsonb, OUT tenant text)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'tenant_guard_verify';
COMMENT ON FUNCTION tenant_guard.verify(text) IS
  'What authenticate() would say of a token, without setting anything: the reason word of docs/errors.md, '
  'the header as sent, and the payload if the signature is good.';
