-- audit(), group 2: what policies say. Those of tenant_guard are compared as a whole (TG106); these are the others.

-- Conditions as PostgreSQL prints them. What reads the row, calls something or asks somewhere is not constant.
CREATE VIEW tenant_guard.policy_conditions AS
  SELECT p.oid AS policy, p.polrelid, pg_catalog.quote_ident(p.polname) AS name, p.polpermissive, p.polcmd, p.polroles,
         r.name AS relation_name, r.is_isolated, w.clause, w.condition,
         w.tree !~ '\{(VAR|FUNCEXPR|SUBLINK|SQLVALUEFUNCTION) ' AND w.condition <> 'false' AS is_constant,
         w.tree ~ '\{(FUNCEXPR|SUBLINK|SQLVALUEFUNCTION) ' AND w.tree !~ '\{VAR ' AS is_about_the_session
    FROM pg_catalog.pg_policy p
    JOIN tenant_guard.audited_relations r ON r.relation = p.polrelid
   CROSS JOIN LATERAL (VALUES
          ('USING', p.polqual::text, pg_catalog.pg_get_expr(p.polqual, p.polrelid)),
          ('WITH CHECK', p.polwithcheck::text, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))) AS w (clause, tree, condition)
   WHERE w.condition IS NOT NULL AND p.polname !~ '^tenant_guard_(isolation|access|closed)$';
COMMENT ON VIEW tenant_guard.policy_conditions IS 'A row per condition of a policy that is not made by tenant_guard.';
REVOKE ALL ON tenant_guard.policy_conditions FROM PUBLIC;

CREATE FUNCTION tenant_guard.audit_policies()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH conditions AS MATERIALIZED (SELECT * FROM tenant_guard.policy_conditions),
  without_the_tenant (pattern, why) AS (VALUES
    ('current_setting\([^()]*(\([^()]*\))?[^()]*\)\)* IS NULL', 'it holds where the setting is missing'),
    ('current_setting\([^()]*\)\)* (=|IS NOT DISTINCT FROM) ''''::text', 'it holds where the setting is empty'),
    ('COALESCE\([^;]*(current_setting|tenant_guard\.)', 'COALESCE puts something in the place of the missing tenant'),
    ('tenant_guard\.[a-z_]+\([^()]*\)\)* IS NULL', 'it holds where no tenant is authenticated'),
    (' IS NOT (FALSE|TRUE)', 'it also holds where the comparison is NULL, as without a tenant'))

  SELECT 'TG201', format('policy %s on %s', c.name, c.relation_name),
         format('its %s is %s for every row, and the relation is not protected otherwise', c.clause, c.condition),
         format('DROP POLICY %s ON %s;', c.name, c.relation_name)
    FROM conditions c WHERE c.polpermissive AND c.is_constant AND NOT c.is_isolated
     AND NOT (c.clause = 'WITH CHECK' AND EXISTS (SELECT FROM conditions u
                                                   WHERE u.policy = c.policy AND u.clause = 'USING' AND u.is_constant))
  UNION ALL
  SELECT 'TG202', format('policy %s on %s', c.name, c.relation_name),
         format('its %s is %s for every row: the isolation policy alone keeps tenants apart', c.clause, c.condition),
         format('ALTER POLICY %s ON %s %s;', c.name, c.relation_name,
                -- Both where both are constant; what was left to USING stays so.
                (SELECT string_agg(format('%s (%s)', w.clause, i.condition), ' ' ORDER BY w.clause)
                   FROM conditions w WHERE w.policy = c.policy AND w.is_constant))
    FROM conditions c
    JOIN LATERAL (SELECT pg_get_expr(p.polqual, p.polrelid) AS condition FROM pg_policy p
                   WHERE p.polrelid = c.polrelid AND p.polname = 'tenant_guard_isolation') i ON true
   WHERE c.polpermissive AND c.is_constant AND c.is_isolated
     AND NOT (c.clause = 'WITH CHECK' AND EXISTS (SELECT FROM conditions u
                                                   WHERE u.policy = c.policy AND u.clause = 'USING' AND u.is_constant))
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG203', format('policy %s on %s', c.name, c.relation_name),
         format('fails open: %s (%s)', w.why, c.condition), format('DROP POLICY %s ON %s;', c.name, c.relation_name)
    FROM conditions c JOIN without_the_tenant w ON c.condition ~ w.pattern WHERE c.polpermissive
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG204', format('policy %s on %s', c.name, c.relation_name),
         format('trusts a setting that every client can set (%s)', c.condition), format('DROP POLICY %s ON %s;', c.name, c.relation_name)
    FROM conditions c
   WHERE c.polpermissive AND c.condition ~ 'current_setting\(''[^'']*\.' AND c.condition !~ 'current_setting\(''tenant_guard\.'
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG205', format('policy %s on %s', c.name, c.relation_name),
         'trusts a claim that users can edit themselves at several issuers (user_metadata)', NULL
    FROM conditions c WHERE c.condition ~ '(user_metadata|unsafe_metadata|public_metadata)'
  UNION ALL
  SELECT 'TG206', format('policies on %s', c.relation_name),
         format('several permissive policies for the same command and role: any of %s lets a row through',
                string_agg(DISTINCT c.name, ', ')), NULL
    FROM conditions c
   WHERE c.polpermissive AND EXISTS (
         SELECT FROM pg_policy other
          WHERE other.polrelid = c.polrelid AND other.oid <> c.policy AND other.polpermissive
            AND other.polname <> 'tenant_guard_access'
            AND (other.polcmd = c.polcmd OR other.polcmd = '*' OR c.polcmd = '*')
            AND (other.polroles && c.polroles OR '{0}' IN (other.polroles, c.polroles)))
   GROUP BY c.relation_name
  UNION ALL
  SELECT DISTINCT 'TG207', format('policy %s on %s', c.name, c.relation_name),
         format('calls %s, which is VOLATILE: it runs for each row, and no index can be used', f.oid::regprocedure), NULL
    FROM conditions c
    JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = c.policy AND d.refclassid = 'pg_proc'::regclass
    JOIN pg_proc f ON f.oid = d.refobjid AND f.provolatile = 'v'
  UNION ALL
  SELECT DISTINCT 'TG208', format('policy %s on %s', c.name, c.relation_name),
         format('reads "%s", which is neither protected nor shared: guarded transactions are refused', read.name), NULL
    FROM conditions c
    JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = c.policy AND d.refclassid = 'pg_class'::regclass
    JOIN tenant_guard.audited_relations read ON read.relation = d.refobjid AND read.status IS NULL
   WHERE d.refobjid <> c.polrelid AND c.is_isolated
  UNION ALL
  SELECT DISTINCT 'TG209', format('policy %s on %s calling %s', c.name, c.relation_name, f.oid::regprocedure),
         format('%s has no search_path of its own: who queries decides which objects it means', f.oid::regprocedure),
         format('ALTER FUNCTION %s SET search_path = %I, pg_temp;', f.oid::regprocedure, n.nspname)
    FROM conditions c
    JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = c.policy AND d.refclassid = 'pg_proc'::regclass
    JOIN pg_proc f ON f.oid = d.refobjid JOIN pg_namespace n ON n.oid = f.pronamespace
    JOIN pg_language l ON l.oid = f.prolang AND l.lanname NOT IN ('internal', 'c')
   WHERE n.nspname NOT IN ('pg_catalog', 'tenant_guard')
     AND NOT EXISTS (SELECT FROM unnest(f.proconfig) s WHERE s LIKE 'search\_path=%')
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG210', format('policy %s on %s', c.name, c.relation_name),
         format('looks at the session and not at the row: it lets all rows through or none (%s)', c.condition), NULL
    FROM conditions c WHERE c.polpermissive AND c.is_about_the_session
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG211', format('policy %s on %s', c.name, c.relation_name),
         format('lets through what is not the tenant''s (%s)', c.condition), format('DROP POLICY %s ON %s;', c.name, c.relation_name)
    FROM conditions c
   WHERE c.polpermissive
     AND c.condition ~ '<> \(*(SELECT )?(current_setting\(|tenant_guard\.tenant_id)|(current_setting|tenant_guard\.tenant_id[a-z_]*)\([^()]*\)(\)*::[a-z ]+\)*)? <> (?!'''')'
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG212', format('policy %s on %s', c.name, c.relation_name),
         'calls current_setting() for each row: tenant_guard''s functions are cheaper, or (SELECT current_setting(...)) runs once', NULL
    FROM conditions c WHERE regexp_replace(c.condition, 'SELECT \(*current_setting\(', '', 'g') ~ 'current_setting\('
$$;
COMMENT ON FUNCTION tenant_guard.audit_policies() IS 'The findings TG2xx of audit(): what policies say.';
