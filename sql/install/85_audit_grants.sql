-- audit(), group 5: rights of the roles that serve tenants which row security does not filter.

CREATE FUNCTION tenant_guard.audit_grants()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH grantees AS MATERIALIZED (SELECT * FROM tenant_guard.application_grantees()),
  unfiltered (privilege, check_id, why) AS (VALUES
    ('TRUNCATE',   'TG501', 'it removes the rows of every tenant, past row security'),
    ('REFERENCES', 'TG502', 'a foreign key of its own would tell which keys other tenants have'),
    ('TRIGGER',    'TG503', 'a trigger of its own would run in the transactions of other tenants'),
    ('MAINTAIN',   'TG504', 'it locks the table for every tenant (VACUUM, CLUSTER, REINDEX, LOCK)')),
  relations AS MATERIALIZED (SELECT * FROM tenant_guard.audited_relations WHERE status IS NOT NULL),
  granted AS MATERIALIZED (
    SELECT DISTINCT r.name AS relation, r.is_isolated, g.grantee, g.name, acl.privilege_type, acl.is_grantable
      FROM relations r
     -- Relation by relation: joined, statistics of a moment without relations would make it quadratic.
     CROSS JOIN LATERAL (SELECT r.relacl UNION ALL
                         SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = r.relation AND a.attacl IS NOT NULL OFFSET 0) AS acls (acl)
     CROSS JOIN LATERAL aclexplode(acls.acl) acl
      JOIN grantees g ON g.grantee = acl.grantee
     WHERE acl.grantee <> r.relowner
  ), sequences AS (
    SELECT s.oid::regclass::text AS name, d.deptype, s.relowner, s.relacl, r.name AS relation
      FROM pg_class s
      JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass
                      AND d.deptype IN ('a', 'i')
      JOIN relations r ON r.relation = d.refobjid AND r.is_isolated
     WHERE s.relkind = 'S'
  )
  SELECT u.check_id, format('%s for %s', g.relation, g.name), format('%s may %s: %s', g.name, u.privilege, u.why),
         format('REVOKE %s ON %s FROM %s;', u.privilege, g.relation, g.name)
    FROM granted g JOIN unfiltered u ON u.privilege = g.privilege_type
  UNION ALL
  SELECT 'TG505', format('%s for %s', s.name, g.name), format('%s may set the sequence of %s (setval)', g.name, s.relation),
         format('REVOKE UPDATE ON SEQUENCE %s FROM %s;', s.name, g.name)
    FROM sequences s CROSS JOIN LATERAL aclexplode(s.relacl) acl JOIN grantees g ON g.grantee = acl.grantee
   WHERE acl.privilege_type = 'UPDATE' AND acl.grantee <> s.relowner
  UNION ALL
  SELECT 'TG506', format('%s for %s', s.name, g.name),
         format('%s may read the sequence of %s, which tells how much all tenants write', g.name, s.relation),
         format('REVOKE SELECT ON SEQUENCE %s FROM %s;', s.name, g.name)
    FROM sequences s CROSS JOIN LATERAL aclexplode(s.relacl) acl JOIN grantees g ON g.grantee = acl.grantee
   WHERE acl.privilege_type = 'SELECT' AND acl.grantee <> s.relowner
  UNION ALL
  SELECT 'TG507', format('%s for %s', s.name, g.name),
         format('%s may call nextval() on the identity sequence of %s, and INSERT does not need that', g.name, s.relation),
         format('REVOKE USAGE ON SEQUENCE %s FROM %s;', s.name, g.name)
    FROM sequences s CROSS JOIN LATERAL aclexplode(s.relacl) acl JOIN grantees g ON g.grantee = acl.grantee
   WHERE acl.privilege_type = 'USAGE' AND acl.grantee <> s.relowner AND s.deptype = 'i'
  UNION ALL
  SELECT 'TG508', format('schema %I for %s', n.nspname, g.name),
         format('%s may create objects in it, which others then find by name', g.name),
         format('REVOKE CREATE ON SCHEMA %I FROM %s;', n.nspname, g.name)
    FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) acl JOIN grantees g ON g.grantee = acl.grantee
   WHERE acl.privilege_type = 'CREATE' AND acl.grantee <> n.nspowner
  UNION ALL
  SELECT 'TG509', format('database %I for %s', d.datname, g.name), format('%s may create schemas in it', g.name),
         format('REVOKE CREATE ON DATABASE %I FROM %s;', d.datname, g.name)
    FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) acl JOIN grantees g ON g.grantee = acl.grantee
   WHERE d.datname = current_database() AND acl.privilege_type = 'CREATE' AND acl.grantee <> d.datdba
  UNION ALL
  SELECT 'TG510', format('default privileges of %s%s for %s', d.defaclrole::regrole, ' in schema ' || quote_ident(n.nspname), g.name),
         format('%s gets %s on every table that %s makes, also on one that nobody protects', g.name,
                string_agg(acl.privilege_type, ', ' ORDER BY acl.privilege_type), d.defaclrole::regrole),
         format('ALTER DEFAULT PRIVILEGES FOR ROLE %s%s REVOKE ALL ON TABLES FROM %s;', d.defaclrole::regrole,
                ' IN SCHEMA ' || quote_ident(n.nspname), g.name)
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
   CROSS JOIN LATERAL aclexplode(d.defaclacl) acl JOIN grantees g ON g.grantee = acl.grantee
   WHERE d.defaclobjtype = 'r' AND acl.grantee <> d.defaclrole
   GROUP BY d.oid, d.defaclrole, n.nspname, g.name
  UNION ALL
  SELECT 'TG511', g.relation, format('everybody has %s on it', string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type)),
         format('REVOKE ALL ON %s FROM PUBLIC;', g.relation)
    FROM granted g WHERE g.grantee = 0 AND g.is_isolated GROUP BY g.relation
  UNION ALL
  SELECT 'TG512', format('%s for %s', g.relation, g.name),
         format('%s may grant its rights (%s) to others', g.name, string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type)),
         format('REVOKE GRANT OPTION FOR ALL ON %s FROM %s;', g.relation, g.name)
    FROM granted g WHERE g.is_grantable GROUP BY g.relation, g.name
  UNION ALL
  SELECT 'TG513', format('foreign server %I for %s', s.srvname, g.name),
         format('%s may make foreign tables on it, which reach past this database''s policies', g.name),
         format('REVOKE ALL ON FOREIGN SERVER %I FROM %s;', s.srvname, g.name)
    FROM pg_foreign_server s CROSS JOIN LATERAL aclexplode(s.srvacl) acl JOIN grantees g ON g.grantee = acl.grantee
   WHERE acl.grantee <> s.srvowner
  UNION ALL
  SELECT 'TG514', format('parameter %s for %s', p.parname, g.name), format('%s may change it', g.name),
         format('REVOKE ALL ON PARAMETER %s FROM %s;', p.parname, g.name)
    FROM pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) acl JOIN grantees g ON g.grantee = acl.grantee
  UNION ALL
  SELECT 'TG515', format('%s for %s', p.oid::regprocedure, g.name),
         format('%s may call it; only %s', g.name,
                CASE WHEN p.pronamespace = 'tenant_guard'::regnamespace THEN 'administrators should'
                     ELSE 'superusers may unless somebody grants it' END),
         format('REVOKE EXECUTE ON %s %s FROM %s;', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
                p.oid::regprocedure, g.name)
    FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) acl JOIN grantees g ON g.grantee = acl.grantee
   WHERE p.pronamespace IN ('pg_catalog'::regnamespace, 'tenant_guard'::regnamespace) AND acl.grantee <> p.proowner
     AND g.name !~ '^pg_'
     -- What its script granted to everybody is meant so.
     AND EXISTS (SELECT FROM pg_init_privs i WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid
                    AND NOT EXISTS (SELECT FROM aclexplode(i.initprivs) first WHERE first.grantee = 0))
$$;
COMMENT ON FUNCTION tenant_guard.audit_grants() IS 'The findings TG5xx of audit(): rights that row security does not filter.';
