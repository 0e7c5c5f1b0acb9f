-- audit(), group 4: who is exempt, who can become exempt, and whether those who serve tenants are guarded.

CREATE FUNCTION tenant_guard.audit_roles()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH RECURSIVE application AS MATERIALIZED (
    SELECT a.*, r.rolbypassrls, r.rolcreaterole, r.rolreplication
      FROM tenant_guard.application_roles() a JOIN pg_roles r ON r.oid = a.role
  ), owners AS MATERIALIZED (
    SELECT DISTINCT r.relowner FROM tenant_guard.audited_relations r WHERE r.is_isolated
  ), memberships AS (
    -- From whoever logs in, step by step; the first step is what can be revoked from him.
    SELECT r.oid AS role, quote_ident(r.rolname) AS name, m.roleid AS becomes,
           format('REVOKE %s FROM %I GRANTED BY %s;', m.roleid::regrole, r.rolname, m.grantor::regrole) AS first_step,
           ARRAY[r.oid, m.roleid] AS chain
      FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid
     WHERE r.rolcanlogin AND NOT r.rolsuper
    UNION ALL
    SELECT s.role, s.name, m.roleid, s.first_step, s.chain || m.roleid
      FROM memberships s JOIN pg_auth_members m ON m.member = s.becomes
     WHERE m.roleid <> ALL (s.chain)
  ), ways AS (
    -- Each way has to be closed; the shortest is told.
    SELECT w.role, w.name, w.becomes, string_agg(DISTINCT w.first_step, E'\n') AS revoke,
           (SELECT string_agg(c::regrole::text, ' -> ' ORDER BY place)
              FROM unnest((SELECT m.chain FROM memberships m WHERE m.role = w.role AND m.becomes = w.becomes
                            ORDER BY cardinality(m.chain), m.chain LIMIT 1)) WITH ORDINALITY u (c, place)) AS path
      FROM memberships w GROUP BY w.role, w.name, w.becomes
  )
  SELECT 'TG401', 'role ' || quote_ident(r.rolname), 'can log in and has BYPASSRLS: row security does not apply to it',
         format('ALTER ROLE %I NOBYPASSRLS;', r.rolname)
    FROM pg_roles r
   WHERE r.rolcanlogin AND r.rolbypassrls AND NOT r.rolsuper AND r.oid NOT IN (SELECT role FROM application)
  UNION ALL
  SELECT 'TG402', 'role ' || a.name, 'serves tenants and has BYPASSRLS', format('ALTER ROLE %s NOBYPASSRLS;', a.name)
    FROM application a WHERE a.rolbypassrls
  UNION ALL
  SELECT CASE WHEN s.role IN (SELECT role FROM application) THEN 'TG403' ELSE 'TG404' END,
         format('role %s as %s', s.name, e.name),
         format('can become %s, to whom row security does not apply (%s)', e.name, s.path),
         s.revoke
    FROM ways s JOIN tenant_guard.exempt_roles e ON e.role = s.becomes
   WHERE s.role NOT IN (SELECT role FROM tenant_guard.exempt_roles)
  UNION ALL
  SELECT 'TG405', format('role %s as %s', a.name, o.relowner::regrole),
         format('serves tenants and can become %s, who owns protected relations and can change what protects them (%s)',
                o.relowner::regrole, s.path),
         s.revoke
    FROM application a JOIN ways s ON s.role = a.role JOIN owners o ON o.relowner = s.becomes
  UNION ALL
  SELECT 'TG406', r.name, format('is owned by %s, which serves tenants: an owner can change what protects it', a.name),
         format('ALTER TABLE %s OWNER TO %s;', r.name, (SELECT d.datdba::regrole FROM pg_database d WHERE d.datname = current_database()))
    FROM tenant_guard.audited_relations r JOIN application a ON a.role = r.relowner WHERE r.is_isolated
  UNION ALL
  SELECT 'TG407', 'role ' || u::text, 'can log in, has rights on protected relations, and nothing guards it',
         format('SELECT tenant_guard.guard_role(%L);', u)
    FROM tenant_guard.unguarded_roles() u WHERE u::oid NOT IN (SELECT role FROM tenant_guard.guarded_roles)
  UNION ALL
  SELECT 'TG408', 'role ' || g.role::text, format('is guarded as %s: without a token it is not guarded', g.mode),
         format('SELECT tenant_guard.guard_role(%L);', g.role)
    FROM tenant_guard.guarded_roles g JOIN pg_roles r ON r.oid = g.role WHERE g.mode <> 'always'
  UNION ALL
  SELECT 'TG409', 'role ' || g.role::text,
         format('guard_role() said %s, and the setting of the role says %s: somebody changed one of them', g.mode, coalesce(s.value, 'nothing')),
         format('SELECT tenant_guard.guard_role(%L, %L);', g.role, g.mode)
    FROM tenant_guard.guarded_roles g
    JOIN pg_roles r ON r.oid = g.role
    LEFT JOIN LATERAL (SELECT split_part(c, '=', 2) FROM pg_db_role_setting d, unnest(d.setconfig) c
                        WHERE d.setrole = g.role AND d.setdatabase = 0 AND c LIKE 'tenant\_guard.enforce=%') AS s (value) ON true
   WHERE g.mode IS DISTINCT FROM s.value
  UNION ALL
  SELECT 'TG410', 'role ' || a.name, 'serves tenants and has CREATEROLE: it can make and change other roles',
         format('ALTER ROLE %s NOCREATEROLE;', a.name)
    FROM application a WHERE a.rolcreaterole
  UNION ALL
  SELECT 'TG411', 'role ' || a.name, 'serves tenants and has REPLICATION: the write-ahead log has the rows of all of them',
         format('ALTER ROLE %s NOREPLICATION;', a.name)
    FROM application a WHERE a.rolreplication
  UNION ALL
  SELECT 'TG412', 'role ' || quote_ident(r.rolname), 'can log in and has REPLICATION: the write-ahead log has every row of every tenant',
         format('ALTER ROLE %I NOREPLICATION;', r.rolname)
    FROM pg_roles r
   WHERE r.rolcanlogin AND r.rolreplication AND NOT r.rolsuper AND r.oid NOT IN (SELECT role FROM application)
  UNION ALL
  SELECT 'TG413', format('role %s as %s', a.name, p.rolname),
         format('serves tenants and is a member of %s, whose rights know no tenant (%s)', p.rolname, s.path),
         s.revoke
    FROM application a JOIN ways s ON s.role = a.role
    JOIN pg_roles p ON p.oid = s.becomes AND p.rolname ~ '^pg_' AND p.oid < 16384
  UNION ALL
  SELECT 'TG414', 'roles', 'relations are protected, and guard_role() has named nobody', NULL
   WHERE EXISTS (SELECT FROM tenant_guard.relations r WHERE r.status IN ('protected', 'derived'))
     AND NOT EXISTS (SELECT FROM tenant_guard.guarded_roles)
  UNION ALL
  SELECT 'TG415', format('guarded role %s', g.role::oid), 'guard_role() named a role that does not exist any more',
         format('DELETE FROM tenant_guard.guarded_roles WHERE role::oid = %s;', g.role::oid)
    FROM tenant_guard.guarded_roles g WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = g.role)
$$;
COMMENT ON FUNCTION tenant_guard.audit_roles() IS 'The findings TG4xx of audit(): roles that are exempt, become exempt or are not guarded.';
