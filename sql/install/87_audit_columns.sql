-- audit(), group 6: keys (86_audit_keys.sql), tenant columns and indexes; and the rows that cross already.

-- A relation without a tenant column gets one from what it refers to; its own unique constraints then lead with it.
CREATE FUNCTION tenant_guard.tenant_column_from_parent(foreign_key oid) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT concat_ws(E'\n',
           format('SELECT tenant_guard.unprotect(relation) FROM tenant_guard.relations WHERE relation = %L::regclass AND status = ''derived'';', f.child_name),
           format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS %I %s;', f.child_name, f.parent_column, format_type(a.atttypid, a.atttypmod)),
           format('UPDATE %s AS child SET %I = parent.%I FROM %s AS parent WHERE (%s) = (%s) AND child.%I IS NULL;', f.child_name,
                  f.parent_column, f.parent_column, f.parent_name,
                  (SELECT string_agg('child.' || quote_ident(x.attname), ', ' ORDER BY u.place)
                     FROM unnest(f.conkey) WITH ORDINALITY u (n, place) JOIN pg_attribute x ON x.attrelid = f.child AND x.attnum = u.n),
                  (SELECT string_agg('parent.' || quote_ident(x.attname), ', ' ORDER BY u.place)
                     FROM unnest(f.confkey) WITH ORDINALITY u (n, place) JOIN pg_attribute x ON x.attrelid = f.parent AND x.attnum = u.n),
                  f.parent_column),
           format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', f.child_name, f.parent_column),
           format('SELECT tenant_guard.protect(%L, %L);', f.child_name, f.parent_column),
           tenant_guard.foreign_key_with_tenant(f.oid, f.parent_column),
           (SELECT string_agg(format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s;', f.child_name, k.conname, k.conname,
                                     tenant_guard.led_by(pg_get_constraintdef(k.oid), '(', quote_ident(f.parent_column))), E'\n' ORDER BY k.conname)
              FROM pg_constraint k
             WHERE k.conrelid = f.child AND k.contype IN ('p', 'u')
               AND NOT EXISTS (SELECT FROM pg_constraint r WHERE r.contype = 'f' AND r.conindid = k.conindid)),
           (SELECT format('CREATE INDEX ON %s (%I);', f.child_name, f.parent_column)
             WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = f.child AND k.contype IN ('p', 'u'))))
    FROM tenant_guard.foreign_keys_across_tenants f
    JOIN pg_attribute a ON a.attrelid = f.parent AND a.attnum = f.parent_tenant
   WHERE f.oid = $1 AND tenant_guard.foreign_key_with_tenant(f.oid, f.parent_column) IS NOT NULL
$$;
COMMENT ON FUNCTION tenant_guard.tenant_column_from_parent(oid) IS
  'The statements that give the relation of a foreign key the tenant column of its parent, and protect it by that.';

CREATE FUNCTION tenant_guard.audit_keys()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH relations AS MATERIALIZED (
    SELECT * FROM tenant_guard.audited_relations r WHERE r.status = 'protected' AND r.attnum IS NOT NULL
  )
  SELECT 'TG601', format('foreign key %I on %s', f.conname, f.child_name),
         format('its columns do not include the tenant: a row can refer to another tenant''s row of %s, and '
                'tenant_guard.crossing_rows() lists those that do', f.parent_name),
         tenant_guard.foreign_key_with_tenant(f.oid, f.child_column)
    FROM tenant_guard.foreign_keys_across_tenants f WHERE f.has_tenant
  UNION ALL
  SELECT 'TG602', format('foreign key %I on %s', f.conname, f.child_name),
         format('%s has no tenant column: the key it refers to in %s has to be unique across tenants', f.child_name, f.parent_name),
         tenant_guard.tenant_column_from_parent(f.oid)
    FROM tenant_guard.foreign_keys_across_tenants f WHERE NOT f.has_tenant
  UNION ALL
  SELECT CASE u.contype WHEN 'x' THEN 'TG605' ELSE 'TG603' END, format('constraint %s on %s', u.constraint_name, u.relation_name),
         format('does not contain the tenant column "%s": its error tells one tenant what another has', u.tenant_column),
         tenant_guard.unique_with_tenant(u.indexrelid)
    FROM tenant_guard.unique_across_tenants u WHERE u.constraint_oid IS NOT NULL
  UNION ALL
  SELECT 'TG604', format('unique index %s on %s', u.index_name, u.relation_name),
         format('does not contain the tenant column "%s": its error tells one tenant what another has', u.tenant_column),
         tenant_guard.unique_with_tenant(u.indexrelid)
    FROM tenant_guard.unique_across_tenants u WHERE u.constraint_oid IS NULL
  UNION ALL
  SELECT 'TG606', r.name, format('tenant column "%s" is nullable: a row without a tenant is nobody''s', r.tenant_column),
         concat_ws(E'\n',
           format('ALTER TABLE %s ADD CONSTRAINT tenant_guard_not_null CHECK (%I IS NOT NULL) NOT VALID;', r.name, r.tenant_column),
           format('ALTER TABLE %s VALIDATE CONSTRAINT tenant_guard_not_null;', r.name),
           format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', r.name, r.tenant_column),
           format('ALTER TABLE %s DROP CONSTRAINT tenant_guard_not_null;', r.name))
    FROM relations r WHERE NOT r.attnotnull AND NOT r.relispartition
  UNION ALL
  SELECT 'TG607', r.name, format('no index leads with tenant column "%s": each query reads the rows of all tenants', r.tenant_column),
         format('CREATE INDEX ON %s (%I);', r.name, r.tenant_column)
    FROM relations r
   -- Hashed, however old the statistics of the catalogs are.
   WHERE NOT r.relispartition
     AND (r.relation, r.attnum) NOT IN (SELECT i.indrelid, i.indkey[0] FROM pg_index i WHERE i.indisvalid AND i.indpred IS NULL)
  UNION ALL
  SELECT 'TG608', format('index %I on %s', c.relname, r.name),
         format('does not lead with the tenant column, and its operators (%s) are not leakproof: row security keeps it from '
                'being used', string_agg(DISTINCT opc.opcname, ', ')), NULL
    FROM relations r
    JOIN pg_index i ON i.indrelid = r.relation AND NOT EXISTS (
         SELECT FROM generate_series(0, i.indnkeyatts - 1) n WHERE i.indkey[n] = r.attnum)
    JOIN pg_class c ON c.oid = i.indexrelid AND NOT c.relispartition
   CROSS JOIN LATERAL unnest(i.indclass::oid[]) AS class (oid)
    JOIN pg_opclass opc ON opc.oid = class.oid
   -- Pattern classes are there for LIKE, whatever their own operators are.
   WHERE opc.opcname ~ '_pattern_ops$'
      OR EXISTS (SELECT FROM pg_amop m JOIN pg_operator o ON o.oid = m.amopopr JOIN pg_proc f ON f.oid = o.oprcode
                  WHERE m.amopfamily = opc.opcfamily AND m.amoplefttype = opc.opcintype AND m.amoppurpose = 's' AND NOT f.proleakproof)
   GROUP BY c.relname, r.name
  UNION ALL
  SELECT 'TG609', r.name, format('tenant column "%s" has a default that is not the tenant: %s', r.tenant_column,
                                 pg_get_expr(d.adbin, d.adrelid)),
         format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s;', r.name, r.tenant_column, tenant_guard.tenant_function(r.atttypid))
    FROM relations r JOIN pg_attrdef d ON d.adrelid = r.relation AND d.adnum = r.attnum
   WHERE pg_get_expr(d.adbin, d.adrelid) !~ '^tenant_guard\.tenant_id' AND NOT r.relispartition
     -- Where the column is unique by itself a row is a tenant, and its default makes new ones.
     AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.relation AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = r.attnum)
$$;
COMMENT ON FUNCTION tenant_guard.audit_keys() IS 'The findings TG6xx of audit(): keys, tenant columns and indexes.';

CREATE FUNCTION tenant_guard.crossing_rows(relation regclass DEFAULT NULL)
  RETURNS TABLE (child regclass, foreign_key name, parent regclass, child_tenant text, parent_tenant text, referenced jsonb, "rows" bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found record;
BEGIN
  FOR found IN
      SELECT f.*, string_agg(format('c.%I = p.%I', ca.attname, pa.attname), ' AND ' ORDER BY i) AS matching,
             string_agg(format('%L, c.%I', ca.attname, ca.attname), ', ' ORDER BY i) AS naming
        FROM tenant_guard.foreign_keys_across_tenants f
       CROSS JOIN LATERAL generate_subscripts(f.conkey, 1) i
        JOIN pg_attribute ca ON ca.attrelid = f.child AND ca.attnum = f.conkey[i]
        JOIN pg_attribute pa ON pa.attrelid = f.parent AND pa.attnum = f.confkey[i]
       WHERE f.has_tenant AND f.is_comparable AND (crossing_rows.relation IS NULL OR f.child = crossing_rows.relation)
       GROUP BY f.oid, f.conname, f.child, f.child_name, f.child_kind, f.child_tenant, f.child_column, f.child_status, f.parent,
                f.parent_name, f.parent_kind, f.parent_tenant, f.parent_column, f.has_tenant, f.is_comparable, f.conkey, f.confkey, f.conindid
       ORDER BY f.child_name, f.conname LOOP
    RETURN QUERY EXECUTE format(
        'SELECT %L::regclass, %L::name, %L::regclass, c.%I::text, p.%I::text, jsonb_build_object(%s), count(*) '
        'FROM %s c JOIN %s p ON %s WHERE c.%I IS DISTINCT FROM p.%I GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 4, 5, 6',
        found.child_name, found.conname, found.parent_name, found.child_column, found.parent_column, found.naming,
        found.child_name, found.parent_name, found.matching, found.child_column, found.parent_column);
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.crossing_rows(regclass) IS
  'Rows that refer to a row of another tenant through a foreign key without the tenant: of which relation and key, whose '
  'they are, whose they refer to, by which values, and how many. Reads the tables, of all tenants.';
