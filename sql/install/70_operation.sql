-- What operators and CI look at.

CREATE VIEW tenant_guard.protection AS
  SELECT c.oid::pg_catalog.regclass AS relation,
         tenant_guard.relation_kind(c.relkind) AS kind,
         CASE WHEN c.relkind = 'v' THEN 'exempt'
              WHEN secured.relation IS NOT NULL THEN 'protected'
              ELSE coalesce(r.status, 'unprotected') END AS status,
         coalesce(r.tenant_column, secured.tenant_column, candidate.attname) AS tenant_column,
         CASE WHEN shown.relation IS NOT NULL
              THEN pg_catalog.format('It shows the rows of "%s" that belong to the tenant.', shown.relation)
              WHEN secured.relation IS NOT NULL THEN NULL
              WHEN c.relkind = 'v' THEN 'The relations that it reads are checked.'
              WHEN r.status = 'shared' THEN r.reason
              WHEN r.status IS NOT NULL THEN NULL
              WHEN n.nspname = 'tenant_guard' THEN 'It is in the schema of tenant_guard and not a part of it.'
              WHEN c.relkind IN ('m', 'f') THEN 'Row security is not possible on it.'
              WHEN candidate.attname IS NULL THEN 'It has no tenant column.'
              WHEN tenant_guard.tenant_function(candidate.atttypid) IS NULL
              -- The collation of a name would become the column's, which no upgrade can change.
              THEN pg_catalog.format('Column "%s" of type %s cannot be a tenant column.', candidate.attname,
                                     pg_catalog.format_type(candidate.atttypid, candidate.atttypmod)) COLLATE pg_catalog."default"
              ELSE 'Nobody protected it.' END AS reason,
         pg_catalog.array_remove(ARRAY[
           CASE WHEN r.status IN ('protected', 'derived') AND NOT c.relrowsecurity
                THEN 'row security is disabled' END,
           CASE WHEN r.status IN ('protected', 'derived') AND NOT c.relforcerowsecurity
                THEN 'row security is not forced' END,
           CASE WHEN r.status IN ('protected', 'derived') AND NOT EXISTS (
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
                                     ON read.relation = d.refobjid AND read.status IN ('protected', 'derived')
                                  WHERE w.ev_class = c.oid)
                THEN 'its owner is subject to row security and refreshes it without rows' END,
           CASE WHEN c.relkind = 'v' AND (owner.rolsuper OR owner.rolbypassrls)
                     AND NOT coalesce(c.reloptions, '{}') && '{security_invoker=true,security_invoker=on,security_invoker=1,security_invoker=yes}'
                     AND EXISTS (SELECT FROM pg_catalog.pg_rewrite w
                                   JOIN pg_catalog.pg_depend d
                                     ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                                    AND d.objid = w.oid
                                   JOIN tenant_guard.relations read
                                     ON read.relation = d.refobjid AND read.status IN ('protected', 'derived')
                                  WHERE w.ev_class = c.oid)
                THEN pg_catalog.format('its owner bypasses row security, so that guarded transactions are refused it: '
                                       'ALTER VIEW %s SET (security_invoker)', c.oid::pg_catalog.regclass) END,
           CASE WHEN secured.relation IS NOT NULL AND tenant_guard.secure_view_of(c.oid) IS NULL
                THEN 'its secure view is not as secure_view() made it, and is not trusted' END,
           CASE WHEN r.status = 'protected' AND NOT candidate.attnotnull
                THEN 'the tenant column is nullable' END,
           CASE WHEN r.status = 'protected' AND c.relkind = 'r' AND NOT EXISTS (
                  SELECT FROM pg_catalog.pg_index i
                   WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = candidate.attnum)
                THEN 'no index leads with the tenant column' END,
           CASE WHEN r.status = 'derived' AND key.oid IS NULL
                THEN 'the foreign key to its parent is gone' END,
           CASE WHEN key.oid IS NOT NULL AND EXISTS (
                  SELECT FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum = ANY (key.conkey) AND NOT a.attnotnull)
                THEN 'its foreign key is nullable, and a row that references nothing is nobody''s' END
         ], NULL) AS findings,
         CASE coalesce(r.status, CASE WHEN secured.relation IS NOT NULL THEN 'secured' END)
           WHEN 'secured' THEN pg_catalog.format('through view "%s"', secured.view)
           WHEN 'protected' THEN pg_catalog.format('by column "%s"', r.tenant_column)
           WHEN 'derived' THEN pg_catalog.format('through "%s" by foreign key "%s"', r.parent, r.parent_constraint)
         END || coalesce((
           SELECT pg_catalog.string_agg(pg_catalog.format(', column "%s" by attribute "%s"', a.column_name, a.attribute), ''
                                        ORDER BY a.column_name, a.attribute)
             FROM tenant_guard.attribute_restrictions a WHERE a.relation = c.oid), '') AS how
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_roles owner ON owner.oid = c.relowner
    LEFT JOIN tenant_guard.relations r ON r.relation = c.oid
    LEFT JOIN tenant_guard.secure_views secured ON secured.relation = c.oid
    LEFT JOIN tenant_guard.secure_views shown ON shown.view = c.oid
    LEFT JOIN pg_catalog.pg_constraint key
      ON key.conrelid = c.oid AND key.conname = r.parent_constraint AND key.confrelid = r.parent
    LEFT JOIN pg_catalog.pg_attribute candidate
      ON candidate.attrelid = c.oid AND candidate.attnum > 0 AND NOT candidate.attisdropped
     AND candidate.attname = coalesce(
           r.tenant_column, pg_catalog.current_setting('tenant_guard.tenant_column', true))
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema')
     AND n.nspname !~ '^pg_toast'
     -- NOT IN is hashed, whatever the planner believes of a catalog that nobody has analyzed.
     AND c.oid NOT IN (SELECT d.objid FROM pg_catalog.pg_depend d
                         JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'tenant_guard'
                        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                          AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e');
COMMENT ON VIEW tenant_guard.protection IS
  'A row per user relation: protected, derived, shared, unprotected (guarded transactions are refused it) '
  'or exempt, why, what is wrong with it, and how it is isolated.';
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
                  WHERE p.status IN ('protected', 'derived')
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
  SELECT 'keys', count(*) FILTER (WHERE k.status = 'active') > 0,
         format('%s active, %s retired', count(*) FILTER (WHERE k.status = 'active'),
                count(*) FILTER (WHERE k.status = 'retired'))
    FROM tenant_guard.keys k
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
  UNION ALL
  SELECT 'audit', count(*) = 0, coalesce(string_agg(a.key, ', ' ORDER BY a.key), 'no errors')
    FROM tenant_guard.audit() a WHERE a.severity = 'error'
$$;
COMMENT ON FUNCTION tenant_guard.health() IS
  'A row per check: is the library preloaded and of the extension''s version, are there keys, which '
  'relations are unprotected, which roles bypass row security or are not guarded, and the errors that audit() finds.';

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
                            FROM tenant_guard.relations r), '')
             || coalesce((SELECT string_agg(concat_ws('|', a.relation, a.column_name, a.attribute), E'\n'
                                            ORDER BY a.relation::text, a.column_name, a.attribute)
                            FROM tenant_guard.attribute_restrictions a), '')),
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
