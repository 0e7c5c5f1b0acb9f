-- tenant_guard: concatenated from sql/install by the Makefile.
\echo Use "CREATE EXTENSION tenant_guard" to load this file. \quit

-- Without the library in every session the guard would be missing in silence.
DO $$
BEGIN
  IF NOT EXISTS (
      SELECT FROM pg_catalog.regexp_split_to_table(
          pg_catalog.current_setting('shared_preload_libraries'), '\s*,\s*') AS library
      WHERE pg_catalog.btrim(library, ' "') IN ('tenant_guard', '$libdir/tenant_guard')) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'tenant_guard must be loaded by "shared_preload_libraries"',
      DETAIL = pg_catalog.format('"shared_preload_libraries" is "%s".',
                                 pg_catalog.current_setting('shared_preload_libraries')),
      HINT = 'Add tenant_guard to "shared_preload_libraries" in postgresql.conf, restart the server, '
             'and run CREATE EXTENSION again.';
  END IF;
END
$$;
-- What administrators have declared. Nobody but the extension's owner has rights on these tables;
-- the library reads them by itself. The order of the columns is known to the library.

CREATE TABLE tenant_guard.relations (
  relation             regclass PRIMARY KEY,
  status               text NOT NULL CHECK (status IN ('protected', 'shared')),
  tenant_column        name,
  writable             boolean NOT NULL DEFAULT false,
  reason               text,
  -- what unprotect() puts back
  row_security_before  boolean,
  force_before         boolean,
  added_default        boolean,
  added_access_policy  boolean,
  CHECK (status <> 'protected' OR tenant_column IS NOT NULL),
  CHECK (status <> 'shared' OR reason IS NOT NULL)
);
COMMENT ON TABLE tenant_guard.relations IS
  'Relations that are protected for tenant isolation, or declared shared.';

CREATE TABLE tenant_guard.guarded_roles (
  role  regrole PRIMARY KEY,
  mode  text NOT NULL CHECK (mode IN ('off', 'warn', 'authenticated', 'always'))
);
COMMENT ON TABLE tenant_guard.guarded_roles IS 'Roles named by guard_role(), and how they are guarded.';

CREATE TABLE tenant_guard.signing_keys (
  kid        text NOT NULL,
  issuer     text NOT NULL DEFAULT '',
  algorithm  text NOT NULL,
  material   bytea NOT NULL,
  retired    timestamptz,
  added      timestamptz NOT NULL DEFAULT pg_catalog.now(),
  PRIMARY KEY (issuer, kid)
);
COMMENT ON TABLE tenant_guard.signing_keys IS
  'Keys that tokens are verified with; material is a secret for HMAC keys. Never dumped.';

CREATE TABLE tenant_guard.issuers (
  issuer            text PRIMARY KEY CHECK (issuer <> ''),
  audience          text[],
  tenant_claim      text NOT NULL CHECK (tenant_claim <> ''),
  attributes_claim  text NOT NULL CHECK (attributes_claim <> ''),
  leeway            bigint NOT NULL CHECK (leeway BETWEEN 0 AND 86400),
  max_age           bigint CHECK (max_age > 0)
);
COMMENT ON TABLE tenant_guard.issuers IS 'Claim rules for issuers; leeway and max_age in seconds.';

CREATE TABLE tenant_guard.revocations (
  kind           text COLLATE "C" NOT NULL CHECK (kind IN ('token', 'subject', 'tenant')),
  value          text COLLATE "C" NOT NULL CHECK (value <> ''),
  issued_before  timestamptz,
  until          timestamptz,
  PRIMARY KEY (kind, value)
);
COMMENT ON TABLE tenant_guard.revocations IS
  'Tokens refused before they expire: those with this id, subject or tenant, issued before a time.';

REVOKE ALL ON ALL TABLES IN SCHEMA tenant_guard FROM PUBLIC;

-- A change must reach every session's plans and caches: ALWAYS, so that replication cannot skip it.
CREATE FUNCTION tenant_guard.declaration_changed() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'tenant_guard_declaration_changed';
COMMENT ON FUNCTION tenant_guard.declaration_changed() IS
  'Trigger: tells every session that a relation was declared anew.';
CREATE FUNCTION tenant_guard.table_changed() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'tenant_guard_table_changed';
COMMENT ON FUNCTION tenant_guard.table_changed() IS
  'Trigger: tells every session that keys, issuers or roles changed.';

CREATE TRIGGER declaration_changed AFTER INSERT OR UPDATE OR DELETE ON tenant_guard.relations
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.declaration_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.relations
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.guarded_roles
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.signing_keys
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.issuers
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.revocations
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
ALTER TABLE tenant_guard.relations ENABLE ALWAYS TRIGGER declaration_changed;
ALTER TABLE tenant_guard.relations ENABLE ALWAYS TRIGGER table_changed;
ALTER TABLE tenant_guard.guarded_roles ENABLE ALWAYS TRIGGER table_changed;
ALTER TABLE tenant_guard.signing_keys ENABLE ALWAYS TRIGGER table_changed;
ALTER TABLE tenant_guard.issuers ENABLE ALWAYS TRIGGER table_changed;
ALTER TABLE tenant_guard.revocations ENABLE ALWAYS TRIGGER table_changed;

-- A dump restores tables first, and new tables are protected as they are made: the declaration is
-- then there before the dump's own copy of it arrives, which knows better what was there before.
CREATE FUNCTION tenant_guard.merge_declaration() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = NEW.relation) THEN
    UPDATE tenant_guard.relations r
       SET status = NEW.status, tenant_column = NEW.tenant_column, writable = NEW.writable,
           reason = NEW.reason, row_security_before = NEW.row_security_before,
           force_before = NEW.force_before, added_default = NEW.added_default,
           added_access_policy = NEW.added_access_policy
     WHERE r.relation = NEW.relation;
    RETURN NULL;
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION tenant_guard.merge_declaration() IS
  'Trigger: a declaration that a dump brings replaces the one made on restoring the table.';
CREATE TRIGGER merge_declaration BEFORE INSERT ON tenant_guard.relations
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.merge_declaration();

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.relations', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.guarded_roles', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.issuers', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.revocations', '');
-- The way in, and what SQL reads of the context. PUBLIC may call these.

CREATE FUNCTION tenant_guard.authenticate(jwt text) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'tenant_guard_authenticate';
COMMENT ON FUNCTION tenant_guard.authenticate(text) IS
  'Verifies a compact JWS (RFC 7515, 7519), makes its tenant the tenant of this transaction, and '
  'returns the tenant id. Refusals have SQLSTATE class 28; see docs/errors.md.';

CREATE FUNCTION tenant_guard.tenant_id() RETURNS text
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_tenant_id';
COMMENT ON FUNCTION tenant_guard.tenant_id() IS
  'The tenant id of this transaction; NULL without a context.';

CREATE FUNCTION tenant_guard.tenant_id_uuid() RETURNS uuid
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_tenant_id_uuid';
COMMENT ON FUNCTION tenant_guard.tenant_id_uuid() IS
  'The tenant id as uuid; NULL without a context, SQLSTATE 22P02 if it is not a uuid.';

CREATE FUNCTION tenant_guard.tenant_id_bigint() RETURNS bigint
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_tenant_id_bigint';
COMMENT ON FUNCTION tenant_guard.tenant_id_bigint() IS
  'The tenant id as bigint; NULL without a context, SQLSTATE 22P02 if it is not a bigint.';

CREATE FUNCTION tenant_guard.tenant_id_int() RETURNS integer
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_tenant_id_int';
COMMENT ON FUNCTION tenant_guard.tenant_id_int() IS
  'The tenant id as integer; NULL without a context, SQLSTATE 22P02 if it is not an integer.';

CREATE FUNCTION tenant_guard.subject() RETURNS text
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_subject';
COMMENT ON FUNCTION tenant_guard.subject() IS
  'The "sub" claim (RFC 7519 section 4.1.2); NULL if absent or without a context.';

CREATE FUNCTION tenant_guard.claims() RETURNS jsonb
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_claims';
COMMENT ON FUNCTION tenant_guard.claims() IS
  'The verified payload of the token; NULL without a context.';

CREATE FUNCTION tenant_guard.claim(VARIADIC path text[]) RETURNS text
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_claim';
COMMENT ON FUNCTION tenant_guard.claim(text[]) IS
  'One claim as text, found by the names on the way to it; NULL if absent or without a context.';

CREATE FUNCTION tenant_guard.attribute(name text) RETURNS text
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_attribute';
COMMENT ON FUNCTION tenant_guard.attribute(text) IS
  'One user attribute as text; NULL if absent or without a context.';
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
  'Retires a key: from its commit on, the next authenticate() of every session refuses its tokens.';

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
  INSERT INTO tenant_guard.issuers VALUES (
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

CREATE VIEW tenant_guard.keys AS
  SELECT k.kid, nullif(k.issuer, '') AS issuer,
         pg_catalog.split_part(k.algorithm, '-', 1) AS alg,
         CASE WHEN k.retired IS NULL THEN 'active' ELSE 'retired' END AS status,
         k.added, k.retired
    FROM tenant_guard.signing_keys k;
COMMENT ON VIEW tenant_guard.keys IS 'The keys that tokens are verified with, without their material.';
REVOKE ALL ON tenant_guard.keys FROM PUBLIC;

CREATE FUNCTION tenant_guard.verify(jwt text, OUT valid boolean, OUT reason text, OUT kid text,
    OUT alg text, OUT header jsonb, OUT payload jsonb, OUT tenant text)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'tenant_guard_verify';
COMMENT ON FUNCTION tenant_guard.verify(text) IS
  'What authenticate() would say of a token, without setting anything: the reason word of docs/errors.md, '
  'the header as sent, and the payload if the signature is good.';
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
-- Protection: which statements isolate a relation, running them, and taking them back. The functions
-- run as the extension's owner with a pinned search_path, so every name they print is qualified.

CREATE FUNCTION tenant_guard.tenant_function(column_type oid) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN t.typbasetype <> 0 THEN tenant_guard.tenant_function(t.typbasetype)
    WHEN t.oid = 'uuid'::regtype THEN 'tenant_guard.tenant_id_uuid()'
    WHEN t.oid IN ('text'::regtype, 'varchar'::regtype) THEN 'tenant_guard.tenant_id()'
    WHEN t.oid = 'bigint'::regtype THEN 'tenant_guard.tenant_id_bigint()'
    WHEN t.oid = 'integer'::regtype THEN 'tenant_guard.tenant_id_int()'
  END
  FROM pg_type t WHERE t.oid = $1
$$;
COMMENT ON FUNCTION tenant_guard.tenant_function(oid) IS
  'The call that returns the tenant id in this type; NULL for a type that tenant columns cannot have.';

CREATE FUNCTION tenant_guard.relation_kind(relkind "char") RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE $1 WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                 WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                 WHEN 'S' THEN 'sequence' ELSE 'relation' END
$$;
COMMENT ON FUNCTION tenant_guard.relation_kind("char") IS 'What pg_class.relkind is called.';

-- The relation and everything below it, nearest first.
CREATE FUNCTION tenant_guard.relation_tree(root regclass) RETURNS SETOF regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE tree (relation, depth) AS (
    SELECT $1::oid, 0
    UNION
    SELECT i.inhrelid, t.depth + 1 FROM pg_inherits i JOIN tree t ON i.inhparent = t.relation)
  SELECT relation::regclass FROM tree GROUP BY relation ORDER BY max(depth), relation::regclass::text
$$;
COMMENT ON FUNCTION tenant_guard.relation_tree(regclass) IS
  'A relation, its partitions and its inheritance children.';

-- Raises the reason why the relation cannot be protected by the column; returns the column otherwise.
CREATE FUNCTION tenant_guard.check_tenant_column(target regclass, column_name name) RETURNS pg_attribute
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  class pg_class;
  tenant_column pg_attribute;
BEGIN
  SELECT * INTO STRICT class FROM pg_class c WHERE c.oid = target;
  IF class.relkind NOT IN ('r', 'p') OR class.relnamespace = 'pg_catalog'::regnamespace THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('relation "%s" cannot be protected', target),
      DETAIL = format('It is a %s, and row security is possible on ordinary tables only.',
                      CASE WHEN class.relnamespace = 'pg_catalog'::regnamespace THEN 'system catalog'
                           ELSE tenant_guard.relation_kind(class.relkind) END),
      HINT = 'Protect the tables it reads, or run tenant_guard.declare_shared() if it is reference data.';
  END IF;
  IF class.relpersistence = 't' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('relation "%s" cannot be protected', target),
      DETAIL = 'It is a temporary table, and belongs to its transaction alone.';
  END IF;
  SELECT * INTO tenant_column FROM pg_attribute a
   WHERE a.attrelid = target AND a.attname = column_name AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'undefined_column',
      MESSAGE = format('column "%s" of relation "%s" does not exist', column_name, target),
      DETAIL = 'The isolation compares the tenant column with the tenant of the transaction.',
      HINT = format('Name the tenant column: SELECT tenant_guard.protect(%L, ''column'').', target);
  END IF;
  IF tenant_guard.tenant_function(tenant_column.atttypid) IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'datatype_mismatch',
      MESSAGE = format('column "%s" of relation "%s" cannot be a tenant column', column_name, target),
      DETAIL = format('Its type is %s.', format_type(tenant_column.atttypid, tenant_column.atttypmod)),
      HINT = 'Use a column of type uuid, text, varchar, bigint or integer.';
  END IF;
  IF EXISTS (SELECT FROM pg_collation c WHERE c.oid = tenant_column.attcollation AND NOT c.collisdeterministic) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'datatype_mismatch',
      MESSAGE = format('column "%s" of relation "%s" cannot be a tenant column', column_name, target),
      DETAIL = 'Its collation is nondeterministic: different tenant ids would be equal.',
      HINT = 'Use a deterministic collation for the column.';
  END IF;
  RETURN tenant_column;
END
$$;
COMMENT ON FUNCTION tenant_guard.check_tenant_column(regclass, name) IS
  'Checks that a relation can be isolated by a column; SQLSTATE 42809, 42703 or 42804 if not.';

CREATE FUNCTION tenant_guard.isolation_condition(tenant_column pg_attribute) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%I = %s', $1.attname, tenant_guard.tenant_function($1.atttypid))
$$;
COMMENT ON FUNCTION tenant_guard.isolation_condition(pg_attribute) IS
  'The condition that a row belongs to the tenant of the transaction.';

CREATE FUNCTION tenant_guard.has_isolation_policy(target regclass, tenant_column name) RETURNS boolean
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_has_isolation_policy';
COMMENT ON FUNCTION tenant_guard.has_isolation_policy(regclass, name) IS
  'Whether a relation has the policy "tenant_guard_isolation" as protect() makes it for this column.';

-- What is missing on one relation for its isolation, in the order in which to run it. Nothing is
-- missing on a relation that is protected.
CREATE FUNCTION tenant_guard.protection_steps(target regclass, wanted_column name)
  RETURNS TABLE (action text, statement text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  class pg_class;
  declared tenant_guard.relations;
  tenant_column pg_attribute;
  column_name name;
  condition text;
  has_isolation boolean;
  has_stale_isolation boolean;
  needs_default boolean;
  inherits_default boolean;
  needs_access boolean;
BEGIN
  SELECT * INTO STRICT class FROM pg_class c WHERE c.oid = target;
  SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = target;
  IF declared.status = 'shared' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is declared shared', target),
      DETAIL = format('The reason given was: %s', declared.reason),
      HINT = format('Run SELECT tenant_guard.undeclare_shared(%L) first.', target);
  END IF;
  IF declared.tenant_column <> wanted_column THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is protected by column "%s"', target, declared.tenant_column),
      DETAIL = format('Column "%s" was asked for.', wanted_column),
      HINT = format('Run SELECT tenant_guard.unprotect(%L) first.', target);
  END IF;
  column_name := coalesce(wanted_column, declared.tenant_column,
                          current_setting('tenant_guard.tenant_column', true)::name);
  tenant_column := tenant_guard.check_tenant_column(target, column_name);
  condition := tenant_guard.isolation_condition(tenant_column);
  has_isolation := tenant_guard.has_isolation_policy(target, column_name);
  has_stale_isolation := NOT has_isolation AND EXISTS (
      SELECT FROM pg_policy p WHERE p.polrelid = target AND p.polname = 'tenant_guard_isolation');
  needs_default := NOT tenant_column.atthasdef AND tenant_column.attidentity = '';
  -- A partition made after its parent was protected came with the parent's default.
  inherits_default := EXISTS (
      SELECT FROM pg_inherits i
        JOIN tenant_guard.relations r ON r.relation = i.inhparent AND r.added_default
        JOIN pg_attrdef d ON d.adrelid = target AND d.adnum = tenant_column.attnum
       WHERE i.inhrelid = target
         AND pg_get_expr(d.adbin, d.adrelid) = tenant_guard.tenant_function(tenant_column.atttypid));
  needs_access := NOT EXISTS (
      SELECT FROM pg_policy p WHERE p.polrelid = target AND p.polpermissive);

  -- While it is declared protected, its policies cannot be dropped, not even by us.
  IF has_stale_isolation AND declared.status IS NOT NULL THEN
    action := 'unregister';
    statement := format('DELETE FROM tenant_guard.relations WHERE relation = %L::regclass', target);
    RETURN NEXT;
  END IF;
  IF has_stale_isolation THEN
    action := 'drop policy';
    statement := format('DROP POLICY tenant_guard_isolation ON %s', target);
    RETURN NEXT;
  END IF;
  IF EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = target AND p.polname = 'tenant_guard_closed') THEN
    action := 'drop policy';
    statement := format('DROP POLICY tenant_guard_closed ON %s', target);
    RETURN NEXT;
  END IF;
  IF declared.status IS NULL OR has_stale_isolation THEN
    action := 'register';
    statement := format(
        'INSERT INTO tenant_guard.relations (relation, status, tenant_column, row_security_before, '
        'force_before, added_default, added_access_policy) '
        'VALUES (%L::regclass, ''protected'', %L, %L, %L, %L, %L)', target, column_name,
        coalesce(declared.row_security_before, class.relrowsecurity),
        coalesce(declared.force_before, class.relforcerowsecurity),
        coalesce(declared.added_default, needs_default OR inherits_default),
        coalesce(declared.added_access_policy, needs_access));
    RETURN NEXT;
  END IF;
  IF NOT has_isolation THEN
    action := 'create isolation policy';
    statement := format('CREATE POLICY tenant_guard_isolation ON %s AS RESTRICTIVE FOR ALL TO PUBLIC '
                        'USING (%s) WITH CHECK (%s)', target, condition, condition);
    RETURN NEXT;
  END IF;
  IF needs_access THEN
    -- The same condition, and not "true": were the isolation policy to go, this one must not open
    -- the relation.
    action := 'create access policy';
    statement := format('CREATE POLICY tenant_guard_access ON %s AS PERMISSIVE FOR ALL TO PUBLIC '
                        'USING (%s) WITH CHECK (%s)', target, condition, condition);
    RETURN NEXT;
  END IF;
  IF NOT class.relrowsecurity THEN
    action := 'enable row security';
    statement := format('ALTER TABLE ONLY %s ENABLE ROW LEVEL SECURITY', target);
    RETURN NEXT;
  END IF;
  IF NOT class.relforcerowsecurity THEN
    action := 'force row security';
    statement := format('ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY', target);
    RETURN NEXT;
  END IF;
  IF needs_default THEN
    action := 'set default';
    statement := format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT %s', target, column_name,
                        tenant_guard.tenant_function(tenant_column.atttypid));
    RETURN NEXT;
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.protection_steps(regclass, name) IS
  'The statements that are missing for the isolation of one relation.';

-- The steps for the relation and everything below it. Declarations come first: what the later steps
-- do to a declared relation is then not taken for somebody else's DDL.
CREATE FUNCTION tenant_guard.tree_steps(root regclass, wanted_column name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.relation, s.action, s.statement
    FROM tenant_guard.relation_tree($1) WITH ORDINALITY AS t (relation, place),
         tenant_guard.protection_steps(t.relation, $2) WITH ORDINALITY AS s (action, statement, step)
   ORDER BY s.action NOT IN ('unregister', 'drop policy', 'register'), t.place, s.step
$$;
COMMENT ON FUNCTION tenant_guard.tree_steps(regclass, name) IS
  'The statements that are missing for the isolation of a relation, its partitions and children.';

CREATE FUNCTION tenant_guard.protect_tree(root regclass, wanted_column name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF root IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation must not be null';
  END IF;
  IF NOT EXISTS (SELECT FROM tenant_guard.tree_steps(root, wanted_column)) THEN
    RETURN;
  END IF;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', root);
  FOR step_relation, action, statement IN SELECT * FROM tenant_guard.tree_steps(root, wanted_column) LOOP
    EXECUTE statement;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_tree(regclass, name) IS
  'Runs what is missing for the isolation of a relation, its partitions and children.';

CREATE FUNCTION tenant_guard.protect(relation regclass, tenant_column name DEFAULT NULL)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.protect_tree($1, $2)
$$;
COMMENT ON FUNCTION tenant_guard.protect(regclass, name) IS
  'Isolates a relation, its partitions and children by tenant, and returns the statements it ran: none '
  'if they are isolated already.';

-- Every table that protect_all() would look at, its own column first.
CREATE FUNCTION tenant_guard.protectable_relations()
  RETURNS TABLE (root regclass, column_name name)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass,
         coalesce(r.tenant_column, current_setting('tenant_guard.tenant_column', true)::name)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN tenant_guard.relations r ON r.relation = c.oid
   WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenant_guard')
     AND n.nspname !~ '^pg_toast'
     AND r.status IS DISTINCT FROM 'shared'
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     AND EXISTS (SELECT FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attname = coalesce(r.tenant_column, current_setting('tenant_guard.tenant_column', true)))
   ORDER BY EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid), c.oid::regclass::text
$$;
COMMENT ON FUNCTION tenant_guard.protectable_relations() IS
  'The tables that have a tenant column and are not declared shared; parents before children.';

CREATE FUNCTION tenant_guard.protect_every(dry_run boolean)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  candidate record;
  planned regclass[] := '{}';
BEGIN
  FOR candidate IN SELECT * FROM tenant_guard.protectable_relations() LOOP
    CONTINUE WHEN candidate.root = ANY (planned);
    BEGIN
      IF dry_run THEN
        planned := planned || ARRAY(SELECT tenant_guard.relation_tree(candidate.root));
        RETURN QUERY SELECT * FROM tenant_guard.tree_steps(candidate.root, candidate.column_name);
      ELSE
        RETURN QUERY SELECT * FROM tenant_guard.protect_tree(candidate.root, candidate.column_name);
      END IF;
    EXCEPTION
      WHEN query_canceled OR insufficient_resources OR operator_intervention THEN RAISE;
      WHEN OTHERS THEN
        -- One relation that cannot be protected is reported and does not keep the others open.
        step_relation := candidate.root;
        action := 'failed';
        statement := SQLERRM;
        RETURN NEXT;
    END;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_every(boolean) IS 'Does the work of protect_all().';

CREATE FUNCTION tenant_guard.protect_all(dry_run boolean DEFAULT false)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.protect_every($1)
$$;
COMMENT ON FUNCTION tenant_guard.protect_all(boolean) IS
  'protect() for every table with a tenant column; with dry_run it runs nothing. A relation that cannot '
  'be protected has a row with action "failed" and the reason.';

CREATE FUNCTION tenant_guard.unprotect_tree(root regclass)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
BEGIN
  PERFORM FROM tenant_guard.relations r WHERE r.relation = root AND r.status = 'protected';
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is not protected', root),
      HINT = 'SELECT * FROM tenant_guard.protection lists what is.';
  END IF;
  PERFORM FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
    WHERE i.inhrelid = root AND r.status = 'protected';
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" belongs to a protected parent', root),
      DETAIL = 'Partitions and children are protected with their parent.',
      HINT = 'Unprotect the parent, or detach the relation from it first.';
  END IF;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', root);
  FOR declared IN
      SELECT r.* FROM tenant_guard.relation_tree(root) WITH ORDINALITY AS t (relation, place)
        JOIN tenant_guard.relations r ON r.relation = t.relation AND r.status = 'protected'
       ORDER BY t.place LOOP
    step_relation := declared.relation;
    -- First: what is declared protected resists the statements that follow.
    action := 'unregister';
    statement := format('DELETE FROM tenant_guard.relations WHERE relation = %L::regclass', step_relation);
    EXECUTE statement;
    RETURN NEXT;
    FOR action, statement IN
        SELECT s.action, s.statement FROM (
          SELECT 1, 'drop policy', format('DROP POLICY %I ON %s', p.polname, step_relation)
            FROM pg_policy p
           WHERE p.polrelid = step_relation
             AND (p.polname = 'tenant_guard_isolation'
                  OR p.polname = 'tenant_guard_access' AND declared.added_access_policy)
          UNION ALL
          SELECT 2, 'no force row security',
                 format('ALTER TABLE ONLY %s NO FORCE ROW LEVEL SECURITY', step_relation)
           WHERE NOT declared.force_before
          UNION ALL
          SELECT 3, 'disable row security',
                 format('ALTER TABLE ONLY %s DISABLE ROW LEVEL SECURITY', step_relation)
           WHERE NOT declared.row_security_before
          UNION ALL
          SELECT 4, 'drop default',
                 format('ALTER TABLE ONLY %s ALTER COLUMN %I DROP DEFAULT', step_relation,
                        declared.tenant_column)
           WHERE declared.added_default
        ) AS s (step, action, statement) ORDER BY s.step, s.statement LOOP
      EXECUTE statement;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.unprotect_tree(regclass) IS 'Does the work of unprotect().';

CREATE FUNCTION tenant_guard.unprotect(relation regclass)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.unprotect_tree($1)
$$;
COMMENT ON FUNCTION tenant_guard.unprotect(regclass) IS
  'Takes back what protect() did to a relation, its partitions and children, and returns the '
  'statements it ran.';

CREATE FUNCTION tenant_guard.declare_shared(relation regclass, reason text, writable boolean DEFAULT false)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  member regclass;
BEGIN
  IF relation IS NULL OR writable IS NULL OR coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'a shared relation needs a reason',
      HINT = 'Say why all tenants may read it: SELECT tenant_guard.declare_shared(relation, ''reason'').';
  END IF;
  FOR member IN SELECT tenant_guard.relation_tree(declare_shared.relation) LOOP
    IF (SELECT c.relkind FROM pg_class c WHERE c.oid = member) NOT IN ('r', 'p', 'm', 'f')
       OR (SELECT c.relnamespace FROM pg_class c WHERE c.oid = member) = 'pg_catalog'::regnamespace THEN
      RAISE EXCEPTION USING
        ERRCODE = 'wrong_object_type',
        MESSAGE = format('relation "%s" cannot be declared shared', member),
        DETAIL = 'Only tables, materialized views and foreign tables can be.',
        HINT = 'Declare the tables that it reads.';
    END IF;
    IF EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = member AND r.status = 'protected') THEN
      RAISE EXCEPTION USING
        ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('relation "%s" is protected for tenant isolation', member),
        HINT = format('Run SELECT tenant_guard.unprotect(%L) first.', member);
    END IF;
    INSERT INTO tenant_guard.relations AS r (relation, status, reason, writable)
    VALUES (member, 'shared', declare_shared.reason, declare_shared.writable);
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.declare_shared(regclass, text, boolean) IS
  'Declares reference data that all tenants may read, and write if "writable". Declaring again replaces '
  'reason and "writable".';

CREATE FUNCTION tenant_guard.undeclare_shared(relation regclass)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM tenant_guard.relations r
   WHERE r.status = 'shared'
     AND r.relation IN (SELECT tenant_guard.relation_tree(undeclare_shared.relation));
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is not declared shared', undeclare_shared.relation),
      HINT = 'SELECT * FROM tenant_guard.protection lists what is.';
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.undeclare_shared(regclass) IS
  'Takes declare_shared() back: guarded transactions are refused the relation from then on.';

-- Called by the library before DROP EXTENSION ... CASCADE: the isolation policies go with the
-- functions that they call, and permissive policies of others would then open the relations.
CREATE FUNCTION tenant_guard.close_protected_relations() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  member regclass;
BEGIN
  FOR member IN SELECT r.relation FROM tenant_guard.relations r JOIN pg_class c ON c.oid = r.relation
                 WHERE r.status = 'protected' LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_policy p
                           WHERE p.polrelid = member AND p.polname = 'tenant_guard_closed');
    EXECUTE format('CREATE POLICY tenant_guard_closed ON %s AS RESTRICTIVE FOR ALL TO PUBLIC '
                   'USING (false) WITH CHECK (false)', member);
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.close_protected_relations() IS
  'Gives every protected relation a policy that refuses all rows and needs no extension.';
-- New tables with a tenant column are protected as they are made, from psql, an ORM or a migration
-- tool alike; and so is what becomes a part of a protected relation.

CREATE FUNCTION tenant_guard.can_be_protected(candidate regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
     AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'tenant_guard'::regnamespace)
    FROM pg_class c WHERE c.oid = $1
$$;
COMMENT ON FUNCTION tenant_guard.can_be_protected(regclass) IS
  'Whether it is a table on which row security is possible and that lasts.';

CREATE FUNCTION tenant_guard.has_tenant_column(candidate regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_attribute a
                  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attname = current_setting('tenant_guard.tenant_column'))
$$;
COMMENT ON FUNCTION tenant_guard.has_tenant_column(regclass) IS
  'Whether the relation has a column named as "tenant_guard.tenant_column" says.';

CREATE FUNCTION tenant_guard.inherited_tenant_column(candidate regclass) RETURNS name
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.tenant_column FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
   WHERE i.inhrelid = $1 AND r.status = 'protected' ORDER BY i.inhseqno LIMIT 1
$$;
COMMENT ON FUNCTION tenant_guard.inherited_tenant_column(regclass) IS
  'The column by which the protected parent of a partition or child is isolated; NULL without one.';

CREATE FUNCTION tenant_guard.protect_new_relations(brings_tenant_column boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed regclass;
  member regclass;
  declared tenant_guard.relations;
  inherited_column name;
BEGIN
  FOR changed IN
      SELECT DISTINCT d.objid::regclass FROM pg_event_trigger_ddl_commands() d
       WHERE d.classid = 'pg_class'::regclass AND NOT d.in_extension LOOP
    FOR member IN SELECT tenant_guard.relation_tree(changed) LOOP
      CONTINUE WHEN NOT tenant_guard.can_be_protected(member);
      SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = member;
      inherited_column := tenant_guard.inherited_tenant_column(member);
      IF inherited_column IS NOT NULL THEN
        -- Raises an error for what is declared otherwise: rows of the parent land in it.
        CONTINUE WHEN declared.tenant_column = inherited_column;
        PERFORM tenant_guard.protect_tree(member, inherited_column);
      ELSIF declared.status IS NULL AND brings_tenant_column AND tenant_guard.has_tenant_column(member) THEN
        PERFORM tenant_guard.protect_tree(member, NULL);
      END IF;
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_new_relations(boolean) IS
  'Protects what the running DDL made a part of a protected relation or, if it brings a tenant column, '
  'what has one. An ALTER TABLE about something else leaves a table as an administrator left it.';

CREATE FUNCTION tenant_guard.ddl_command_end() RETURNS event_trigger
  LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'tenant_guard_ddl_command_end';
COMMENT ON FUNCTION tenant_guard.ddl_command_end() IS
  'Event trigger: calls protect_new_relations() for DDL that makes tables or changes them.';

CREATE FUNCTION tenant_guard.forget_dropped_relations() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM tenant_guard.relations r
   WHERE r.relation::oid IN (SELECT d.objid FROM pg_event_trigger_dropped_objects() d
                              WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0);
END
$$;
COMMENT ON FUNCTION tenant_guard.forget_dropped_relations() IS
  'Event trigger: forgets the declarations of relations that were dropped.';

CREATE EVENT TRIGGER tenant_guard_protect_new_relations ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE SCHEMA')
  EXECUTE FUNCTION tenant_guard.ddl_command_end();
CREATE EVENT TRIGGER tenant_guard_forget_dropped_relations ON sql_drop
  EXECUTE FUNCTION tenant_guard.forget_dropped_relations();
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
-- What operators and CI look at.

CREATE VIEW tenant_guard.protection AS
  SELECT c.oid::pg_catalog.regclass AS relation,
         tenant_guard.relation_kind(c.relkind) AS kind,
         CASE WHEN c.relkind = 'v' THEN 'exempt'
              ELSE coalesce(r.status, 'unprotected') END AS status,
         coalesce(r.tenant_column, candidate.attname) AS tenant_column,
         CASE WHEN c.relkind = 'v' THEN 'The relations that it reads are checked.'
              WHEN r.status = 'shared' THEN r.reason
              WHEN r.status IS NOT NULL THEN NULL
              WHEN c.relkind IN ('m', 'f') THEN 'Row security is not possible on it.'
              WHEN candidate.attname IS NULL THEN 'It has no tenant column.'
              ELSE 'Nobody protected it.' END AS reason,
         pg_catalog.array_remove(ARRAY[
           CASE WHEN r.status = 'protected' AND NOT c.relrowsecurity
                THEN 'row security is disabled' END,
           CASE WHEN r.status = 'protected' AND NOT c.relforcerowsecurity
                THEN 'row security is not forced' END,
           CASE WHEN r.status = 'protected' AND NOT EXISTS (
                  SELECT FROM pg_catalog.pg_policy p
                   WHERE p.polrelid = c.oid AND p.polname = 'tenant_guard_isolation'
                     AND NOT p.polpermissive)
                THEN 'the isolation policy is missing' END,
           CASE WHEN r.status = 'protected' AND candidate.attname IS NULL
                THEN 'the tenant column is missing' END,
           CASE WHEN c.relkind = 'm' AND NOT owner.rolsuper AND NOT owner.rolbypassrls
                     AND EXISTS (SELECT FROM pg_catalog.pg_rewrite w
                                   JOIN pg_catalog.pg_depend d
                                     ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                                    AND d.objid = w.oid
                                   JOIN tenant_guard.relations read
                                     ON read.relation = d.refobjid AND read.status = 'protected'
                                  WHERE w.ev_class = c.oid)
                THEN 'its owner is subject to row security and refreshes it without rows' END,
           CASE WHEN r.status = 'protected' AND NOT candidate.attnotnull
                THEN 'the tenant column is nullable' END,
           CASE WHEN r.status = 'protected' AND c.relkind = 'r' AND NOT EXISTS (
                  SELECT FROM pg_catalog.pg_index i
                   WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = candidate.attnum)
                THEN 'no index leads with the tenant column' END
         ], NULL) AS findings
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_roles owner ON owner.oid = c.relowner
    LEFT JOIN tenant_guard.relations r ON r.relation = c.oid
    LEFT JOIN pg_catalog.pg_attribute candidate
      ON candidate.attrelid = c.oid AND candidate.attnum > 0 AND NOT candidate.attisdropped
     AND candidate.attname = coalesce(
           r.tenant_column, pg_catalog.current_setting('tenant_guard.tenant_column', true))
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenant_guard')
     AND n.nspname !~ '^pg_toast';
COMMENT ON VIEW tenant_guard.protection IS
  'A row per user relation: protected, shared, unprotected (guarded transactions are refused it) or '
  'exempt, why, and what is wrong with it.';
REVOKE ALL ON tenant_guard.protection FROM PUBLIC;

CREATE FUNCTION tenant_guard.library_version() RETURNS text
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_library_version';
COMMENT ON FUNCTION tenant_guard.library_version() IS
  'The version of the library in this session; NULL if it was not preloaded.';

-- Roles that can log in, have rights on a protected relation, and may do so unguarded.
CREATE FUNCTION tenant_guard.unguarded_roles() RETURNS SETOF regrole
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.oid::regrole
    FROM pg_roles r
    LEFT JOIN tenant_guard.guarded_roles g ON g.role = r.oid
   WHERE r.rolcanlogin AND NOT r.rolsuper AND g.mode IS DISTINCT FROM 'always'
     AND NOT EXISTS (SELECT FROM pg_db_role_setting s
                      WHERE s.setrole = r.oid
                        AND s.setdatabase IN (0, (SELECT oid FROM pg_database
                                                   WHERE datname = current_database()))
                        AND 'tenant_guard.enforce=always' = ANY (s.setconfig))
     AND EXISTS (SELECT FROM tenant_guard.relations p
                  WHERE p.status = 'protected'
                    AND (has_table_privilege(r.oid, p.relation, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
                         OR has_any_column_privilege(r.oid, p.relation, 'SELECT, INSERT, UPDATE')))
   ORDER BY r.rolname
$$;
COMMENT ON FUNCTION tenant_guard.unguarded_roles() IS
  'Login roles with rights on protected relations that are not guarded always.';

CREATE FUNCTION tenant_guard.health()
  RETURNS TABLE ("check" text, ok boolean, detail text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'library_preloaded', tenant_guard.library_version() IS NOT NULL,
         CASE WHEN tenant_guard.library_version() IS NULL
              THEN 'Add tenant_guard to "shared_preload_libraries" and restart the server.'
              ELSE 'The library is loaded in every session.' END
  UNION ALL
  SELECT 'version', tenant_guard.library_version() IS NOT DISTINCT FROM e.extversion,
         format('library %s, extension %s', coalesce(tenant_guard.library_version(), 'not loaded'),
                e.extversion)
    FROM pg_extension e WHERE e.extname = 'tenant_guard'
  UNION ALL
  SELECT 'keys', count(*) FILTER (WHERE k.retired IS NULL) > 0,
         format('%s active, %s retired', count(*) FILTER (WHERE k.retired IS NULL),
                count(*) FILTER (WHERE k.retired IS NOT NULL))
    FROM tenant_guard.signing_keys k
  UNION ALL
  SELECT 'unprotected_relations', count(*) = 0,
         coalesce(string_agg(p.relation::text, ', ' ORDER BY p.relation::text), 'none')
    FROM tenant_guard.protection p WHERE p.status = 'unprotected'
  UNION ALL
  SELECT 'findings', count(*) = 0,
         coalesce(string_agg(format('%s: %s', p.relation, f), ', ' ORDER BY p.relation::text, f), 'none')
    FROM tenant_guard.protection p, unnest(p.findings) f
  UNION ALL
  SELECT 'bypassing_roles', count(*) = 0,
         coalesce(string_agg(r.rolname, ', ' ORDER BY r.rolname), 'none')
    FROM pg_roles r WHERE r.rolcanlogin AND r.rolbypassrls AND NOT r.rolsuper
  UNION ALL
  SELECT 'unguarded_roles', count(*) = 0, coalesce(string_agg(u::text, ', '), 'none')
    FROM tenant_guard.unguarded_roles() u
$$;
COMMENT ON FUNCTION tenant_guard.health() IS
  'A row per check: is the library preloaded and of the extension''s version, are there keys, which '
  'relations are unprotected, which roles bypass row security or are not guarded.';

-- What results depend on beside tenant, attributes and query: the policies and what is declared; and
-- whether a policy, a view or a function may look at the subject or at other claims.
CREATE FUNCTION tenant_guard.policies_in_force(OUT digest text, OUT by_claims boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT md5(coalesce((SELECT string_agg(
               concat_ws('|', p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive,
                         p.polroles::text, pg_get_expr(p.polqual, p.polrelid),
                         pg_get_expr(p.polwithcheck, p.polrelid)),
               E'\n' ORDER BY p.polrelid::regclass::text, p.polname) FROM pg_policy p), '')
             || coalesce((SELECT string_agg(concat_ws('|', r.relation, r.status, r.tenant_column),
                                            E'\n' ORDER BY r.relation::text)
                            FROM tenant_guard.relations r), '')),
         EXISTS (SELECT FROM pg_depend d
                  WHERE d.refclassid = 'pg_proc'::regclass
                    AND d.refobjid IN ('tenant_guard.subject()'::regprocedure,
                                       'tenant_guard.claims()'::regprocedure,
                                       'tenant_guard.claim(text[])'::regprocedure)
                    AND d.deptype = 'n')
         OR EXISTS (SELECT FROM pg_proc f
                     WHERE f.pronamespace NOT IN ('pg_catalog'::regnamespace, 'tenant_guard'::regnamespace)
                       AND f.prosrc ~* 'subject|claim')
$$;
COMMENT ON FUNCTION tenant_guard.policies_in_force() IS
  'A digest of all policies and declarations, and whether anything in the database looks at claims '
  'beyond tenant and attributes.';

CREATE FUNCTION tenant_guard.cache_key(query text, VARIADIC params text[] DEFAULT '{}') RETURNS text
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_cache_key';
COMMENT ON FUNCTION tenant_guard.cache_key(text, text[]) IS
  'A key for a result cache, 64 hexadecimal digits: differs whenever tenant, attributes, role, query, '
  'parameters or policies differ, and where anything looks at other claims, whenever these differ. '
  'SQLSTATE 28000 without a context.';
-- What everybody may call; all else is for whom the superuser grants it.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenant_guard FROM PUBLIC;
GRANT USAGE ON SCHEMA tenant_guard TO PUBLIC;
GRANT EXECUTE ON FUNCTION
  tenant_guard.authenticate(text), tenant_guard.tenant_id(), tenant_guard.tenant_id_uuid(),
  tenant_guard.tenant_id_bigint(), tenant_guard.tenant_id_int(), tenant_guard.subject(),
  tenant_guard.claims(), tenant_guard.claim(text[]), tenant_guard.attribute(text),
  tenant_guard.cache_key(text, text[]), tenant_guard.policies_in_force()
  TO PUBLIC;
