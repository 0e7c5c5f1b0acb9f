-- What the checks of audit() look at, and what administrators have decided not to mend.

CREATE TABLE tenant_guard.audit_exemptions (
  key        text PRIMARY KEY,
  reason     text NOT NULL CHECK (reason <> ''),
  until      timestamptz,
  made_by    name NOT NULL DEFAULT session_user,
  made_at    timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE tenant_guard.audit_exemptions IS 'Findings of audit() that somebody accepted, why, and until when.';
REVOKE ALL ON tenant_guard.audit_exemptions FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_exemptions', '');

-- A relation without a declaration counts with the column that protect_all() would take.
CREATE VIEW tenant_guard.audited_relations AS
  SELECT c.oid AS relation, c.oid::pg_catalog.regclass::text AS name, c.relkind, c.relowner, c.relispartition, c.relacl,
         c.relrowsecurity, c.relforcerowsecurity, r.status, r.parent, r.parent_constraint,
         r.status IN ('protected', 'derived') IS TRUE AS is_isolated,
         a.attname AS tenant_column, a.attnum, a.atttypid, a.attnotnull
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN tenant_guard.relations r ON r.relation = c.oid
    LEFT JOIN pg_catalog.pg_attribute a
      ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     AND a.attname = coalesce(r.tenant_column, pg_catalog.current_setting('tenant_guard.tenant_column', true))
   WHERE c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
     -- What somebody put into the extension's schema is looked at; what the extension put there is not.
     -- NOT IN is hashed, however old the statistics of the catalogs are.
     AND c.oid NOT IN (SELECT d.objid FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'
                          AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                          AND d.refobjid = (SELECT e.oid FROM pg_catalog.pg_extension e WHERE e.extname = 'tenant_guard'));
COMMENT ON VIEW tenant_guard.audited_relations IS
  'The tables, materialized views and foreign tables that audit() looks at, and how they are isolated.';
REVOKE ALL ON tenant_guard.audited_relations FROM PUBLIC;

-- Whoever row security does not apply to.
CREATE VIEW tenant_guard.exempt_roles AS
  SELECT r.oid AS role, pg_catalog.quote_ident(r.rolname) AS name, r.rolsuper
    FROM pg_catalog.pg_roles r WHERE r.rolsuper OR r.rolbypassrls;
COMMENT ON VIEW tenant_guard.exempt_roles IS 'Roles that row security does not apply to.';
REVOKE ALL ON tenant_guard.exempt_roles FROM PUBLIC;

-- The roles that serve tenants: those that guard_role() named, and those that log in and have rights on isolated
-- relations without owning any. Owners and bypassing roles do migrations.
CREATE FUNCTION tenant_guard.application_roles() RETURNS TABLE (role oid, name text, mode text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH owners AS (
    SELECT DISTINCT c.relowner FROM pg_class c JOIN tenant_guard.relations r ON r.relation = c.oid
     WHERE r.status IN ('protected', 'derived'))
  SELECT r.oid, quote_ident(r.rolname), g.mode
    FROM tenant_guard.guarded_roles g JOIN pg_roles r ON r.oid = g.role
   WHERE g.mode <> 'off'
  UNION ALL
  SELECT r.oid, quote_ident(r.rolname), NULL
    FROM tenant_guard.unguarded_roles() u JOIN pg_roles r ON r.oid = u::oid
   WHERE NOT r.rolbypassrls
     AND NOT EXISTS (SELECT FROM tenant_guard.guarded_roles g WHERE g.role = r.oid)
     AND NOT EXISTS (SELECT FROM owners o WHERE pg_has_role(r.oid, o.relowner, 'MEMBER'))
$$;
COMMENT ON FUNCTION tenant_guard.application_roles() IS
  'The roles that serve tenants, and how they are guarded (NULL: not at all).';

CREATE FUNCTION tenant_guard.application_grantees() RETURNS TABLE (grantee oid, name text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  SELECT 0::oid, 'PUBLIC'
  UNION
  SELECT g.oid, quote_ident(g.rolname)
    FROM tenant_guard.application_roles() a
    JOIN pg_roles g ON pg_has_role(a.role, g.oid, 'MEMBER') AND NOT g.rolsuper
$$;
COMMENT ON FUNCTION tenant_guard.application_grantees() IS
  'To whom rights can be granted that a role that serves tenants then has: PUBLIC, itself, and what it is a member of.';

CREATE FUNCTION tenant_guard.isolate_again(relation regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE r.status
           WHEN 'protected' THEN format('SELECT * FROM tenant_guard.protect(%L, %L);', r.relation, r.tenant_column)
           WHEN 'derived' THEN format('SELECT * FROM tenant_guard.protect_via(%L, %L, %L);', r.relation, r.parent, r.parent_constraint)
         END
    FROM tenant_guard.relations r WHERE r.relation = $1
$$;
COMMENT ON FUNCTION tenant_guard.isolate_again(regclass) IS
  'The statement that puts back what is missing on a relation that is declared isolated.';
