-- What the untrusted profile lets SQL of a model or a stranger call.

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
