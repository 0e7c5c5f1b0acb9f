-- audit(), group 2: what policies say. Those of tenant_guard are compared as a whole (TG106); these are the others.

CREATE FUNCTION tenant_guard.has_unbound_subquery(condition pg_node_tree) RETURNS boolean
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_has_unbound_subquery';
COMMENT ON FUNCTION tenant_guard.has_unbound_subquery(pg_node_tree) IS
  'Whether a condition of a policy has an EXISTS that is the same for every row and every session.';

-- Conditions as PostgreSQL prints them. What reads the row, calls something or asks somewhere is not constant.
CREATE VIEW tenant_guard.policy_conditions AS
  SELECT p.oid AS policy, p.polrelid, pg_catalog.quote_ident(p.polname) AS name, p.polpermissive, p.polcmd, p.polroles,
         r.name AS relation_name, r.is_isolated, r.tenant_column, w.clause, w.condition,
         w.tree::text !~ '\{(VAR|FUNCEXPR|SUBLINK|SQLVALUEFUNCTION) ' AND w.condition <> 'false' AS is_constant,
         w.tree::text ~ '\{(FUNCEXPR|SUBLINK|SQLVALUEFUNCTION) ' AND w.tree::text !~ '\{VAR ' AS is_about_the_session,
         tenant_guard.has_unbound_subquery(w.tree) AS has_unbound_subquery
    FROM pg_catalog.pg_policy p
    JOIN tenant_guard.audited_relations r ON r.relation = p.polrelid
   CROSS JOIN LATERAL (VALUES
          ('USING', p.polqual, pg_catalog.pg_get_expr(p.polqual, p.polrelid)),
          ('WITH CHECK', p.polwithcheck, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))) AS w (clause, tree, condition)
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
    (' IS NOT (FALSE|TRUE)', 'it also holds where the comparison is NULL, as without a tenant'),
    -- auth.uid(), auth.jwt() ->> 'sub', app.tenant()::uuid: what looks at no column
    ('\(\)\)*( ->>? ''[^'']*''::text\)*)*(::[a-z ]+\)*)* IS NULL', 'it holds where nobody is authenticated'),
    ('NOT \(+[a-z_."]+\([^()]*\)\)*( ->>? ''[^'']*''::text\)*)*(::[a-z ]+\)*)* IS NOT NULL', 'it holds where nobody is authenticated'),
    ('\mOR \(*(true\M|NOT false|((''[^'']*''|\d+)(::[a-z ]+)?) = \2)|\(true OR ', 'a part of it is true for every row'))

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
   WHERE c.polpermissive AND c.condition ~ 'current_setting\(''(?!tenant_guard\.|is_superuser|server_version|in_hot_standby)'
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG205', format('policy %s on %s', c.name, c.relation_name),
         'trusts what users can edit themselves at several issuers (user_metadata, an e-mail address)', NULL
    FROM conditions c
   WHERE c.condition ~ 'user_metadata|unsafe_metadata|public_metadata|raw_user_meta_data|auth\.email\(\)|->>? ''email''|\.claim\([^()]*''email'''
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
         'asks for the session for each row: tenant_guard''s functions are cheaper, or (SELECT ...) around the call runs it once', NULL
    FROM conditions c
   WHERE regexp_replace(c.condition, 'SELECT \(*(current_setting|auth\.[a-z]+)\(', '', 'g') ~ '(current_setting|auth\.(uid|jwt|role|email))\('
  UNION ALL
  SELECT 'TG213', format('policy %I on %s', p.polname, r.name),
         CASE WHEN p.polpermissive THEN 'has no condition: it lets nothing through'
              ELSE 'is restrictive and restricts nothing' END,
         format('DROP POLICY %I ON %s;', p.polname, r.name)
    FROM pg_policy p JOIN tenant_guard.audited_relations r ON r.relation = p.polrelid
   WHERE p.polqual IS NULL AND p.polwithcheck IS NULL
      OR NOT p.polpermissive
         AND NOT EXISTS (SELECT FROM unnest(ARRAY[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)]) AS condition
                          WHERE condition !~ '^\(*(true|((''[^'']*''|\d+)(::[a-z ]+)?) = \2)\)*$')
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG214', format('policy %s on %s', c.name, c.relation_name),
         format('compares a column with the database role: all tenants of a pool have the same one (%s)', c.condition), NULL
    FROM conditions c
   WHERE c.polpermissive
     -- A literal is no column: CURRENT_USER = 'dba' is about who may see everything.
     AND regexp_replace(c.condition, '''[^'']*''(::[a-z ]+)?', '''', 'g')
         ~ '[a-z0-9_")] = \(*(CURRENT_USER|SESSION_USER|CURRENT_ROLE|USER)\M|\m(CURRENT_USER|SESSION_USER|CURRENT_ROLE|USER)(\)*::[a-z]+)?\)* = \(*[a-z"]'
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG215', format('policy %s on %s', c.name, c.relation_name),
         format('names a tenant, whose rows every session sees or nobody else''s (%s)', c.condition), NULL
    FROM conditions c
   WHERE c.polpermissive
     AND c.condition ~ ('(^|[( ."])' || regexp_replace(c.tenant_column, '(\W)', '\\\1', 'g')
                        || '"?\)?(::[a-z ]+)? = (ANY \(+(ARRAY\[)?)?\(*(''|-?\d)')
  UNION ALL
  SELECT DISTINCT ON (c.policy) 'TG216', format('policy %s on %s', c.name, c.relation_name),
         format('takes a value of the session for a pattern: one that is %% or .* matches every row (%s)', c.condition), NULL
    FROM conditions c
   WHERE c.polpermissive
     AND c.condition ~ ' !?~~?\*? \(* ?(SELECT \(*)?(similar_to_escape\(+)?(current_setting\(|tenant_guard\.|auth\.[a-z]+\()'
  UNION ALL
  -- What row security filters is bound by that.
  SELECT DISTINCT ON (c.policy) 'TG217', format('policy %s on %s', c.name, c.relation_name),
         format('asks whether there is anybody at all, and not for the row or the session (%s)', regexp_replace(c.condition, '\s+', ' ', 'g')), NULL
    FROM conditions c
   WHERE c.polpermissive AND c.has_unbound_subquery
     AND NOT EXISTS (SELECT FROM pg_depend d JOIN tenant_guard.audited_relations read ON read.relation = d.refobjid AND read.is_isolated
                      WHERE d.classid = 'pg_policy'::regclass AND d.objid = c.policy AND d.refclassid = 'pg_class'::regclass
                        AND d.refobjid <> c.polrelid)
  UNION ALL
  SELECT 'TG218', format('policy %s on %s', c.name, c.relation_name),
         format('reads by column "%s" and lets write without it: rows of another tenant can be made (%s)', c.tenant_column, c.condition),
         format('ALTER POLICY %s ON %s WITH CHECK (%s);', c.name, c.relation_name, reads.condition)
    FROM conditions c
    JOIN conditions reads ON reads.policy = c.policy AND reads.clause = 'USING'
     AND position(c.tenant_column IN reads.condition) > 0
   WHERE c.polpermissive AND NOT c.is_isolated AND c.clause = 'WITH CHECK' AND c.condition <> 'false' AND NOT c.is_constant
     AND position(c.tenant_column IN c.condition) = 0
  UNION ALL
  SELECT DISTINCT 'TG219', format('policy %s on %s calling %s', c.name, c.relation_name, f.oid::regprocedure),
         format('%s says that it is IMMUTABLE and looks at the session or at tables: a cached plan keeps the answer of whoever was first',
                f.oid::regprocedure),
         format('ALTER FUNCTION %s STABLE;', f.oid::regprocedure)
    FROM conditions c
    JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = c.policy AND d.refclassid = 'pg_proc'::regclass
    JOIN pg_proc f ON f.oid = d.refobjid AND f.provolatile = 'i' AND f.pronamespace <> 'tenant_guard'::regnamespace
    JOIN pg_language l ON l.oid = f.prolang AND l.lanname NOT IN ('internal', 'c')
   WHERE concat(f.prosrc, pg_get_function_sqlbody(f.oid))
         ~* '\m(current_setting|current_user|session_user|current_role|tenant_guard\.|auth\.[a-z]+\(|from\s+[a-z"])'
$$;
COMMENT ON FUNCTION tenant_guard.audit_policies() IS 'The findings TG2xx of audit(): what policies say.';
