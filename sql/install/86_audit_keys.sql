-- audit(), group 6, first part: keys that span tenants. PostgreSQL checks them over all rows, whoever asks. A foreign key
-- without the tenant lets a row refer to another tenant's row; a unique key without it tells that a value exists.
-- The statements are to be run in the order in which audit() returns them: what a foreign key still needs cannot go.

CREATE FUNCTION tenant_guard.column_names(relation oid, columns smallint[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
    FROM unnest($2) WITH ORDINALITY u (attnum, place)
    JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = u.attnum
$$;
COMMENT ON FUNCTION tenant_guard.column_names(oid, smallint[]) IS 'The quoted names of columns, in this order.';

-- Foreign keys to protected relations that do not carry the tenant. One that consists of the tenant column alone does:
-- the isolation says what is in it. has_tenant: whether the referencing relation has a tenant column at all.
CREATE VIEW tenant_guard.foreign_keys_across_tenants AS
  SELECT k.oid, k.conname, child.relation AS child, child.name AS child_name, child.relkind AS child_kind,
         child.attnum AS child_tenant, child.tenant_column AS child_column, child.status AS child_status,
         parent.relation AS parent, parent.name AS parent_name, parent.relkind AS parent_kind,
         parent.attnum AS parent_tenant, parent.tenant_column AS parent_column,
         child.attnum IS NOT NULL AS has_tenant, coalesce(child.atttypid = parent.atttypid, true) AS is_comparable,
         k.conkey, k.confkey, k.conindid
    FROM pg_catalog.pg_constraint k
    JOIN tenant_guard.audited_relations child ON child.relation = k.conrelid
    JOIN tenant_guard.audited_relations parent ON parent.relation = k.confrelid
   WHERE k.contype = 'f' AND k.conparentid = 0 AND parent.status = 'protected' AND child.status IS DISTINCT FROM 'shared'
     AND NOT k.conkey OPERATOR(pg_catalog.=) ARRAY[child.attnum]
     AND NOT EXISTS (SELECT FROM pg_catalog.generate_subscripts(k.conkey, 1) i
                      WHERE k.conkey[i] = child.attnum AND k.confkey[i] = parent.attnum);
COMMENT ON VIEW tenant_guard.foreign_keys_across_tenants IS
  'Foreign keys to protected relations whose columns do not include the tenant on both sides.';
REVOKE ALL ON tenant_guard.foreign_keys_across_tenants FROM PUBLIC;

-- A unique index on these columns, there already or to be made: what the foreign key refers to from now on.
CREATE FUNCTION tenant_guard.key_with_tenant(relation oid, tenant smallint, columns smallint[],
    OUT index_name text, OUT statement text)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN found.name IS NOT NULL THEN found.name ELSE quote_ident(wanted.name) END,
         CASE WHEN found.name IS NULL
              THEN format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON %s (%s);', wanted.name, $1::regclass,
                          tenant_guard.column_names($1, $2 || $3)) END
    FROM (SELECT left(c.relname, 40) || '_' || substr(md5(c.relname || array_to_string($2 || $3, ' ')), 1, 8) || '_tenant' AS name
            FROM pg_class c WHERE c.oid = $1) AS wanted
    LEFT JOIN LATERAL (
         SELECT quote_ident(c.relname) AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
          WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
            AND (i.indkey::smallint[])[0:i.indnkeyatts - 1] @> ($2 || $3) AND i.indnkeyatts = cardinality($2 || $3)
          ORDER BY i.indexrelid LIMIT 1) AS found ON true
$$;
COMMENT ON FUNCTION tenant_guard.key_with_tenant(oid, smallint, smallint[]) IS
  'The unique index on the tenant column and these columns, and the statement that makes it if it is missing.';

-- Replaces a foreign key by one that carries the tenant, under the same name; NULL where that needs a decision.
CREATE FUNCTION tenant_guard.foreign_key_with_tenant(foreign_key oid, tenant_column name) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT concat_ws(E'\n',
           needed.statement,
           format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (%I, %s) REFERENCES %s (%I, %s)%s%s%s%s;',
                  f.child_name, fresh.name, $2, tenant_guard.column_names(f.child, k.conkey),
                  f.parent_name, f.parent_column, tenant_guard.column_names(f.parent, k.confkey),
                  CASE k.confupdtype WHEN 'r' THEN ' ON UPDATE RESTRICT' WHEN 'c' THEN ' ON UPDATE CASCADE' END,
                  CASE k.confdeltype
                    WHEN 'r' THEN ' ON DELETE RESTRICT' WHEN 'c' THEN ' ON DELETE CASCADE'
                    -- The tenant stays: only what referred is emptied.
                    WHEN 'n' THEN format(' ON DELETE SET NULL (%s)', tenant_guard.column_names(f.child, coalesce(k.confdelsetcols, k.conkey)))
                    WHEN 'd' THEN format(' ON DELETE SET DEFAULT (%s)', tenant_guard.column_names(f.child, coalesce(k.confdelsetcols, k.conkey)))
                  END,
                  CASE WHEN k.condeferrable THEN ' DEFERRABLE' || CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END END,
                  CASE WHEN f.child_kind = 'r' THEN ' NOT VALID' END),
           CASE WHEN f.child_kind = 'r' THEN format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', f.child_name, fresh.name) END,
           format('ALTER TABLE %s DROP CONSTRAINT %I;', f.child_name, f.conname),
           format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I;', f.child_name, fresh.name, f.conname))
    FROM tenant_guard.foreign_keys_across_tenants f
    JOIN pg_constraint k ON k.oid = f.oid
   CROSS JOIN LATERAL tenant_guard.key_with_tenant(f.parent, f.parent_tenant, k.confkey) AS needed
   CROSS JOIN LATERAL (SELECT left(k.conname, 56) || '_tenant' AS name) AS fresh
   WHERE f.oid = $1 AND f.is_comparable AND k.confupdtype NOT IN ('n', 'd')
     AND (k.confmatchtype <> 'f' OR cardinality(k.conkey) = 1)
     -- A key over a PERIOD, from PostgreSQL 18 on.
     AND (to_jsonb(k) ->> 'conperiod')::boolean IS NOT TRUE
     -- The tenant column of the parent is referred to by another column of the child.
     AND f.parent_tenant <> ALL (k.confkey) AND coalesce(f.child_tenant <> ALL (k.conkey), true)
$$;
COMMENT ON FUNCTION tenant_guard.foreign_key_with_tenant(oid, name) IS
  'The statements that make a foreign key carry the tenant; NULL where they cannot be derived.';

-- Unique constraints and indexes of a protected relation without its tenant column. A relation with one row per tenant
-- (its tenant column is unique by itself) is the register of the tenants: what is unique there is meant for all of them.
CREATE VIEW tenant_guard.unique_across_tenants AS
  SELECT r.relation, r.name AS relation_name, r.relkind, r.tenant_column, r.attnum, i.indexrelid, quote_ident(c.relname) AS index_name,
         k.oid AS constraint_oid, quote_ident(k.conname) AS constraint_name, k.contype, k.condeferrable, k.condeferred, i.indkey::smallint[] AS columns,
         i.indnkeyatts, i.indexprs IS NULL AND i.indpred IS NULL AND i.indnkeyatts = i.indnatts AND NOT i.indisexclusion AS is_plain
    FROM tenant_guard.audited_relations r
    JOIN pg_catalog.pg_index i ON i.indrelid = r.relation AND (i.indisunique OR i.indisexclusion)
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND NOT c.relispartition
    LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = r.relation AND k.contype IN ('p', 'u', 'x')
   WHERE r.status = 'protected' AND r.attnum IS NOT NULL
     AND NOT EXISTS (SELECT FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) n WHERE i.indkey[n] = r.attnum)
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_index one
                      WHERE one.indrelid = r.relation AND one.indisunique AND one.indnkeyatts = 1 AND one.indkey[0] = r.attnum
                        AND one.indpred IS NULL);
COMMENT ON VIEW tenant_guard.unique_across_tenants IS
  'Unique and exclusion constraints and unique indexes of protected relations that do not contain the tenant column.';
REVOKE ALL ON tenant_guard.unique_across_tenants FROM PUBLIC;

CREATE FUNCTION tenant_guard.led_by(definition text, opening text, first_column text) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT overlay($1 PLACING $2 || $3 || ', ' FROM strpos($1, $2) FOR length($2))
$$;
COMMENT ON FUNCTION tenant_guard.led_by(text, text, text) IS
  'The definition of a constraint or index with one more column, the first after what opens the list.';

CREATE FUNCTION tenant_guard.unique_with_tenant(index oid) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
      WHEN u.contype = 'x' THEN
        'CREATE EXTENSION IF NOT EXISTS btree_gist;' || E'\n' ||
        format('ALTER TABLE %s DROP CONSTRAINT %s, ADD CONSTRAINT %s %s;', u.relation_name, u.constraint_name, u.constraint_name,
               tenant_guard.led_by(pg_get_constraintdef(u.constraint_oid), '(', format('%I WITH =', u.tenant_column)))
      WHEN u.constraint_oid IS NULL THEN
        -- The name goes to the new index when the old one is gone.
        format(E'CREATE UNIQUE INDEX %I%s;\n', left(c.relname, 56) || '_tenant',
               tenant_guard.led_by(substr(pg_get_indexdef(u.indexrelid), length('CREATE UNIQUE INDEX ' || u.index_name) + 1),
                                   ' USING btree (', quote_ident(u.tenant_column))) ||
        format(E'DROP INDEX %s;\nALTER INDEX %I.%I RENAME TO %s;', u.indexrelid::regclass, n.nspname, left(c.relname, 56) || '_tenant', u.index_name)
      WHEN u.relkind = 'r' AND u.contype = 'u' AND there.is_constraint THEN
        format('ALTER TABLE %s DROP CONSTRAINT %s;', u.relation_name, u.constraint_name)
      WHEN u.relkind = 'r' AND u.is_plain AND (there.statement IS NULL AND NOT there.is_constraint OR referenced.by_foreign_keys) THEN
        format(E'ALTER TABLE %s DROP CONSTRAINT %s;\nALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s;', u.relation_name, u.constraint_name,
               u.relation_name, u.constraint_name, CASE u.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, there.index_name)
      ELSE
        format('ALTER TABLE %s DROP CONSTRAINT %s, ADD CONSTRAINT %s %s;', u.relation_name, u.constraint_name, u.constraint_name,
               tenant_guard.led_by(pg_get_constraintdef(u.constraint_oid), '(', quote_ident(u.tenant_column)))
      END
    FROM tenant_guard.unique_across_tenants u
    JOIN pg_class c ON c.oid = u.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   CROSS JOIN LATERAL (
         SELECT k.index_name, k.statement,
                EXISTS (SELECT FROM pg_constraint other JOIN pg_class i ON i.oid = other.conindid
                         WHERE other.conrelid = u.relation AND other.contype IN ('p', 'u') AND quote_ident(i.relname) = k.index_name) AS is_constraint
           FROM tenant_guard.key_with_tenant(u.relation, u.attnum, u.columns[0:u.indnkeyatts - 1]) k) AS there
   CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = u.indexrelid) AS by_foreign_keys) AS referenced
   WHERE u.indexrelid = $1
     -- A foreign key that stays as it is still needs it.
     AND NOT EXISTS (SELECT FROM pg_constraint f
                      WHERE f.contype = 'f' AND f.conindid = u.indexrelid AND f.conparentid = 0
                        AND tenant_guard.foreign_key_with_tenant(f.oid, u.tenant_column) IS NULL)
$$;
COMMENT ON FUNCTION tenant_guard.unique_with_tenant(oid) IS
  'The statements that lead a unique or exclusion constraint or unique index with the tenant column; NULL where a foreign key needs it as it is.';
