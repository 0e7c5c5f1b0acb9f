-- audit(), group 1: relations, and whether row security stands.

CREATE FUNCTION tenant_guard.audit_relations()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH relations AS MATERIALIZED (SELECT * FROM tenant_guard.audited_relations),
  tables AS (SELECT * FROM relations WHERE relkind IN ('r', 'p'))

  SELECT 'TG101', t.name, format('has column "%s" and is not protected', t.tenant_column),
         format('SELECT * FROM tenant_guard.protect(%L);', t.name)
    FROM tables t
   WHERE t.status IS NULL AND t.tenant_column IS NOT NULL AND NOT t.relispartition
  UNION ALL
  SELECT DISTINCT ON (t.relation) 'TG102', t.name,
         format('has no tenant column, but references "%s", which is protected', k.confrelid::regclass),
         format('SELECT * FROM tenant_guard.protect_via(%L, %L, %L);', t.name, k.confrelid::regclass, k.conname)
    FROM tables t JOIN pg_constraint k ON k.conrelid = t.relation AND k.contype = 'f'
    JOIN relations parent ON parent.relation = k.confrelid AND parent.is_isolated
   WHERE t.status IS NULL AND t.tenant_column IS NULL AND NOT t.relispartition
  UNION ALL
  SELECT 'TG103', t.name, 'has no tenant column and references nothing that is protected: protect() it by another column, '
         'or declare_shared() it if its rows are the same for everybody', NULL
    FROM tables t
   WHERE t.status IS NULL AND t.tenant_column IS NULL AND NOT t.relispartition
     AND NOT EXISTS (SELECT FROM pg_constraint k JOIN relations parent ON parent.relation = k.confrelid
                      WHERE k.conrelid = t.relation AND k.contype = 'f' AND parent.is_isolated)
  UNION ALL
  SELECT 'TG104', t.name, 'is declared protected and its row security is disabled', tenant_guard.isolate_again(t.relation)
    FROM tables t WHERE t.is_isolated AND NOT t.relrowsecurity
  UNION ALL
  SELECT 'TG105', t.name, 'is declared protected and its row security is not forced: it does not apply to the owner',
         tenant_guard.isolate_again(t.relation)
    FROM tables t WHERE t.is_isolated AND NOT t.relforcerowsecurity
  UNION ALL
  SELECT 'TG106', t.name, 'the policy "tenant_guard_isolation" is missing or not as it was made; the library adds the '
         'condition only while it is loaded', tenant_guard.isolate_again(t.relation)
    FROM tables t
   WHERE t.is_isolated AND NOT tenant_guard.has_isolation_policy(t.relation, coalesce(t.tenant_column, ''))
  UNION ALL
  SELECT 'TG107', t.name, format('is a part of "%s", which is protected, and is not itself: it can be read by its own name',
                                 i.inhparent::regclass),
         tenant_guard.isolate_again(i.inhparent)
    FROM tables t JOIN pg_inherits i ON i.inhrelid = t.relation
    JOIN relations parent ON parent.relation = i.inhparent AND parent.is_isolated
   WHERE NOT t.is_isolated
  UNION ALL
  SELECT 'TG107', f.name, format('is a foreign part of "%s", which is protected: what is written to it through that is not checked',
                                 i.inhparent::regclass),
         format(CASE WHEN f.relispartition THEN 'ALTER TABLE %1$s DETACH PARTITION %2$s;'
                     ELSE 'ALTER FOREIGN TABLE %2$s NO INHERIT %1$s;' END, i.inhparent::regclass, f.name)
    FROM relations f JOIN pg_inherits i ON i.inhrelid = f.relation
    JOIN relations parent ON parent.relation = i.inhparent AND parent.is_isolated
   WHERE f.relkind = 'f'
  UNION ALL
  SELECT 'TG108', t.name, 'has row security without any policy: nobody but exempt roles sees its rows',
         CASE WHEN t.tenant_column IS NOT NULL THEN format('SELECT * FROM tenant_guard.protect(%L);', t.name) END
    FROM tables t
   WHERE t.relrowsecurity AND NOT t.is_isolated AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.relation)
  UNION ALL
  SELECT 'TG109', t.name, 'has policies, and row security is disabled: they do nothing',
         format('ALTER TABLE ONLY %s ENABLE ROW LEVEL SECURITY;', t.name)
    FROM tables t
   WHERE NOT t.relrowsecurity AND NOT t.is_isolated AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.relation)
  UNION ALL
  SELECT 'TG110', t.name, 'has row security that is not forced: its owner, and views and functions of the owner, see every row',
         format('ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY;', t.name)
    FROM tables t WHERE t.relrowsecurity AND NOT t.relforcerowsecurity AND NOT t.is_isolated
  UNION ALL
  SELECT 'TG111', m.name || ' for ' || g.name,
         format('row security is not possible on a %s, and %s may read it', tenant_guard.relation_kind(m.relkind), g.name),
         format('REVOKE ALL ON %s FROM %s;', m.name, g.name)
    FROM relations m
   CROSS JOIN LATERAL (SELECT DISTINCT x.grantee FROM aclexplode(m.relacl) x
                        WHERE x.privilege_type = 'SELECT' AND x.grantee <> m.relowner) acl
    JOIN tenant_guard.application_grantees() g ON g.grantee = acl.grantee
   WHERE m.relkind IN ('m', 'f') AND m.status IS NULL
  UNION ALL
  SELECT 'TG112', m.name, format('reads protected relations and is filled as %s, who is subject to row security: it is '
                                 'refreshed without rows. Give it an owner with BYPASSRLS', m.relowner::regrole), NULL
    FROM relations m
   WHERE m.relkind = 'm' AND m.relowner NOT IN (SELECT role FROM tenant_guard.exempt_roles)
     AND EXISTS (SELECT FROM pg_rewrite w
                   JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                   JOIN relations read ON read.relation = d.refobjid AND read.is_isolated
                  WHERE w.ev_class = m.relation)
  UNION ALL
  SELECT 'TG113', m.name, 'is declared shared and is made of protected relations: every tenant sees what all of them have',
         format('SELECT tenant_guard.undeclare_shared(%L);', m.name)
    FROM relations m
   WHERE m.relkind = 'm' AND m.status = 'shared'
     AND EXISTS (SELECT FROM pg_rewrite w
                   JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                   JOIN relations read ON read.relation = d.refobjid AND read.is_isolated
                  WHERE w.ev_class = m.relation)
  UNION ALL
  SELECT 'TG114', t.name, format('is declared shared and has column "%s": its rows seem to belong to tenants', t.tenant_column),
         format('SELECT tenant_guard.undeclare_shared(%L); SELECT * FROM tenant_guard.protect(%L);', t.name, t.name)
    FROM tables t WHERE t.status = 'shared' AND t.tenant_column IS NOT NULL
  UNION ALL
  SELECT 'TG115', t.name, 'is declared shared and writable: what one tenant writes, every tenant reads',
         format('SELECT tenant_guard.declare_shared(%L, %L);', t.name, r.reason)
    FROM tables t JOIN tenant_guard.relations r ON r.relation = t.relation WHERE r.status = 'shared' AND r.writable
  UNION ALL
  SELECT 'TG116', t.name, format('is protected through "%s", and its foreign key "%s" is gone: nobody can read it', t.parent,
                                 t.parent_constraint), NULL
    FROM tables t
   WHERE t.status = 'derived'
     AND NOT EXISTS (SELECT FROM pg_constraint k
                      WHERE k.conrelid = t.relation AND k.confrelid = t.parent AND k.conname = t.parent_constraint)
  UNION ALL
  SELECT 'TG117', t.name, format('is protected through "%s": each row costs a look-up there. A tenant column of its own is '
                                 'faster: SELECT * FROM tenant_guard.tenant_column_migration(%L)', t.parent, t.name), NULL
    FROM tables t WHERE t.status = 'derived' AND NOT t.relispartition
$$;
COMMENT ON FUNCTION tenant_guard.audit_relations() IS 'The findings TG1xx of audit(): relations and their row security.';
