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
