-- audit(), group 3: views, functions, triggers and rules that read as somebody to whom row security does not apply.

CREATE FUNCTION tenant_guard.audit_code()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH grantees AS MATERIALIZED (SELECT * FROM tenant_guard.application_grantees()),
  definers AS (
    SELECT p.oid, p.oid::regprocedure::text AS name, p.proowner, p.proconfig, p.proacl, quote_ident(n.nspname) AS home,
           CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS kind,
           (SELECT s FROM unnest(p.proconfig) s WHERE s LIKE 'search\_path=%') AS path,
           EXISTS (SELECT FROM tenant_guard.vouchers v
                    WHERE v.function = tenant_guard.function_signature(p.oid)
                      AND v.definition = tenant_guard.function_definition(p.oid)) AS is_vouched
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND NOT EXISTS (SELECT FROM pg_depend x JOIN pg_extension e ON e.oid = x.refobjid AND e.extname = 'tenant_guard'
                        WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
  ), views AS (
    SELECT DISTINCT c.oid::regclass::text AS name, c.relowner, read.name AS reads
      FROM pg_class c
      JOIN pg_rewrite w ON w.ev_class = c.oid AND w.ev_type = '1'
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
      JOIN tenant_guard.audited_relations read ON read.relation = d.refobjid AND read.is_isolated
     WHERE c.relkind = 'v'
       AND NOT EXISTS (SELECT FROM unnest(c.reloptions) o WHERE o ~* '^security_invoker=(true|on|yes|1)$')
  )
  SELECT 'TG301', v.name, format('reads %s as its owner %s, to whom row security does not apply',
                                 string_agg(v.reads, ', ' ORDER BY v.reads), e.name),
         format('ALTER VIEW %s SET (security_invoker = true);', v.name)
    FROM views v JOIN tenant_guard.exempt_roles e ON e.role = v.relowner GROUP BY v.name, e.name
  UNION ALL
  SELECT 'TG302', format('%s for %s', d.name, g.name),
         format('runs as %s, to whom row security does not apply, and %s may call it. If it has to: allow_function()', e.name, g.name),
         format('REVOKE EXECUTE ON %s %s FROM %s;', d.kind, d.name, g.name)
    FROM definers d JOIN tenant_guard.exempt_roles e ON e.role = d.proowner
   CROSS JOIN LATERAL aclexplode(coalesce(d.proacl, acldefault('f', d.proowner))) acl
    JOIN grantees g ON g.grantee = acl.grantee
   WHERE acl.grantee <> d.proowner AND NOT d.is_vouched
  UNION ALL
  SELECT 'TG303', d.name, 'is SECURITY DEFINER with the search_path of its caller, who can put objects of his own before those that it means',
         format('ALTER %s %s SET search_path = %s, pg_temp;', d.kind, d.name, d.home)
    FROM definers d WHERE d.path IS NULL
  UNION ALL
  SELECT 'TG304', d.name, format('is SECURITY DEFINER, and temporary objects of its caller are found before what it means (%s)', d.path),
         format('ALTER %s %s SET search_path = %s, pg_temp;', d.kind, d.name,
                coalesce(nullif(ltrim(regexp_replace(split_part(d.path, '=', 2), '(^|,) *("pg_temp"|pg_temp|"")(?=,|$)', '', 'g'), ', '), ''),
                         'pg_catalog'))
    FROM definers d WHERE d.path !~ 'pg_temp"?$'
  UNION ALL
  SELECT 'TG305', p.oid::regprocedure::text, 'is LEAKPROOF: it is called on rows that the isolation then removes',
         format('ALTER FUNCTION %s NOT LEAKPROOF;', p.oid::regprocedure)
    FROM pg_proc p
   WHERE p.proleakproof AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'tenant_guard'::regnamespace)
     AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
  UNION ALL
  SELECT 'TG306', format('trigger %I on %s', t.tgname, r.name),
         format('its function %s runs as %s, to whom row security does not apply, for every tenant that writes', d.name, e.name),
         format('ALTER %s %s SECURITY INVOKER;', d.kind, d.name)
    FROM pg_trigger t JOIN tenant_guard.audited_relations r ON r.relation = t.tgrelid AND r.is_isolated
    JOIN definers d ON d.oid = t.tgfoid JOIN tenant_guard.exempt_roles e ON e.role = d.proowner
   WHERE NOT t.tgisinternal AND NOT d.is_vouched
  UNION ALL
  SELECT 'TG307', format('rule %I on %s', w.rulename, r.name),
         format('what it does is done as the owner %s, to whom row security does not apply', e.name),
         format('DROP RULE %I ON %s;', w.rulename, r.name)
    FROM pg_rewrite w JOIN tenant_guard.audited_relations r ON r.relation = w.ev_class AND r.is_isolated
    JOIN tenant_guard.exempt_roles e ON e.role = r.relowner
   WHERE w.ev_type <> '1' AND r.relkind IN ('r', 'p')
$$;
COMMENT ON FUNCTION tenant_guard.audit_code() IS 'The findings TG3xx of audit(): views, functions, triggers and rules.';
