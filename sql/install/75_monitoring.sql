-- What the guard has refused, and what each tenant does. Counted in shared memory since the server started, also in
-- transactions that were rolled back.

CREATE FUNCTION tenant_guard.violation_counts(
    OUT kind text, OUT mode text, OUT role oid, OUT sqlstate text, OUT object text, OUT reason text, OUT count bigint,
    OUT first_seen timestamptz, OUT last_seen timestamptz)
  RETURNS SETOF record LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'tenant_guard_violation_counts';
COMMENT ON FUNCTION tenant_guard.violation_counts() IS 'What the view violations shows, with roles by OID.';

CREATE VIEW tenant_guard.violations AS
  SELECT v.kind, v.mode, pg_catalog.pg_get_userbyid(v.role) AS role, pg_catalog.current_database() AS database,
         v.sqlstate, v.object, v.reason, v.count, v.first_seen, v.last_seen
    FROM tenant_guard.violation_counts() v;
COMMENT ON VIEW tenant_guard.violations IS
  'A row per kind of refusal in this database since the server started: statement or token, refused or (under warn) '
  'would_be_refused, by whom, what and why, how often and when. A row of NULLs counts what found no room, in all databases.';

CREATE FUNCTION tenant_guard.reset_violations() RETURNS void
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'tenant_guard_reset_violations';
COMMENT ON FUNCTION tenant_guard.reset_violations() IS 'Empties the view violations of this database.';

CREATE FUNCTION tenant_guard.tenant_counts(
    OUT tenant text, OUT transactions bigint, OUT statements_refused bigint, OUT statements_would_be_refused bigint,
    OUT tokens_refused bigint, OUT first_seen timestamptz, OUT last_seen timestamptz)
  RETURNS SETOF record LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'tenant_guard_tenant_counts';
COMMENT ON FUNCTION tenant_guard.tenant_counts() IS 'What the view stat_tenants shows.';

CREATE VIEW tenant_guard.stat_tenants AS SELECT * FROM tenant_guard.tenant_counts();
COMMENT ON VIEW tenant_guard.stat_tenants IS
  'A row per tenant that a verified token named in this database since the server started: transactions that authenticated, '
  'statements and tokens that were refused. The row whose tenant is NULL is for those that found no room.';

CREATE FUNCTION tenant_guard.reset_stat_tenants() RETURNS void
  LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'tenant_guard_reset_stat_tenants';
COMMENT ON FUNCTION tenant_guard.reset_stat_tenants() IS 'Empties the view stat_tenants of this database.';
