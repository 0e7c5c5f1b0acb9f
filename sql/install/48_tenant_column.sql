-- From a derived table to one with a tenant column of its own: the migration written out, and the switch.

-- The tenant of a row of a derived relation, looked up along its foreign keys: a query over the parents up to the one that
-- has a tenant column.
CREATE FUNCTION tenant_guard.tenant_of_row(derived regclass, row_name text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
  depth integer := 0;
  child text := row_name;
  parent text;
  key_condition text;
  read_from text;
  condition text;
BEGIN
  SELECT * INTO STRICT declared FROM tenant_guard.relations r WHERE r.relation = derived;
  WHILE declared.status = 'derived' LOOP
    parent := format('parent_%s', depth);
    SELECT string_agg(format('%s.%I OPERATOR(%I.%s) %s.%I', parent, p.attname, n.nspname, o.oprname, child, c.attname), ' AND ')
      INTO key_condition
      FROM pg_constraint k
      CROSS JOIN LATERAL unnest(k.conkey, k.confkey, k.conpfeqop) AS part (own, referenced, equals)
      JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = part.own
      JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = part.referenced
      JOIN pg_operator o ON o.oid = part.equals
      JOIN pg_namespace n ON n.oid = o.oprnamespace
     WHERE k.conrelid = declared.relation AND k.confrelid = declared.parent AND k.conname = declared.parent_constraint;
    IF depth = 0 THEN
      read_from := format('%s %s', declared.parent, parent);
      condition := key_condition;
    ELSE
      read_from := format('%s JOIN %s %s ON %s', read_from, declared.parent, parent, key_condition);
    END IF;
    child := parent;
    depth := depth + 1;
    SELECT * INTO STRICT declared FROM tenant_guard.relations r WHERE r.relation = declared.parent;
  END LOOP;
  RETURN format('SELECT %s.%I FROM %s WHERE %s', child, declared.tenant_column, read_from, condition);
END
$$;
COMMENT ON FUNCTION tenant_guard.tenant_of_row(regclass, text) IS
  'The query that finds the tenant of a row of a derived relation through its parents.';

-- The column that the rows of a derived relation get their tenant from.
CREATE FUNCTION tenant_guard.ancestors_column(derived regclass) RETURNS pg_attribute
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
BEGIN
  SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = derived;
  IF declared.status IS DISTINCT FROM 'derived' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is not protected through a parent', derived),
      DETAIL = 'A tenant column would be filled from its parent.',
      HINT = format('Run SELECT * FROM tenant_guard.protect_via(%L, parent) first.', derived);
  END IF;
  PERFORM FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
    WHERE i.inhrelid = derived AND r.status = 'derived';
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" belongs to a protected parent', derived),
      DETAIL = 'Partitions and children get the column with their parent.',
      HINT = 'Give the parent the column.';
  END IF;
  WHILE declared.status = 'derived' LOOP
    SELECT * INTO STRICT declared FROM tenant_guard.relations r WHERE r.relation = declared.parent;
  END LOOP;
  RETURN tenant_guard.tenant_column_of(declared.relation, declared.tenant_column);
END
$$;
COMMENT ON FUNCTION tenant_guard.ancestors_column(regclass) IS
  'The tenant column of the relation at the upper end of the foreign keys; SQLSTATE 55000 if there is none.';

CREATE FUNCTION tenant_guard.short_name(relation regclass, suffix text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT left(c.relname, 40) || suffix FROM pg_class c WHERE c.oid = $1
$$;
COMMENT ON FUNCTION tenant_guard.short_name(regclass, text) IS 'A name for what belongs to a relation, made of its own.';

-- Index by index, without a lock that keeps writers away: below a partitioned table they are made one by one and attached.
CREATE FUNCTION tenant_guard.tenant_index_steps(root regclass, tenant_column name)
  RETURNS TABLE (in_transaction boolean, statement text)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH member AS (
    SELECT t.relation, t.place, c.relkind = 'p' AS is_partitioned, n.nspname, i.inhparent,
           tenant_guard.short_name(t.relation, '_tenant_idx') AS index_name
      FROM tenant_guard.relation_tree(root) WITH ORDINALITY AS t (relation, place)
      JOIN pg_class c ON c.oid = t.relation
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_inherits i ON i.inhrelid = t.relation AND c.relispartition)
  SELECT s.in_transaction, s.statement FROM (
    SELECT 1, place, is_partitioned,
           format('CREATE INDEX %s%I ON %s%s (%I)', CASE WHEN NOT is_partitioned THEN 'CONCURRENTLY ' END, index_name,
                  CASE WHEN is_partitioned THEN 'ONLY ' END, relation, tenant_column)
      FROM member
    UNION ALL
    SELECT 2, -m.place, true, format('ALTER INDEX %I.%I ATTACH PARTITION %I.%I', p.nspname, p.index_name, m.nspname, m.index_name)
      FROM member m JOIN member p ON p.relation = m.inhparent
  ) AS s (part, place, in_transaction, statement) ORDER BY s.part, s.place
$$;
COMMENT ON FUNCTION tenant_guard.tenant_index_steps(regclass, name) IS
  'The statements that make an index on the tenant column of a relation, its partitions and children.';

CREATE FUNCTION tenant_guard.backfill_statement(member regclass, tenant_column name, pages integer) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($statement$DO $backfill$
DECLARE
  last bigint := pg_relation_size(%1$L) / current_setting('block_size')::bigint;
BEGIN
  FOR page IN 0 .. last BY %3$s LOOP
    -- The trigger fills the column in.
    UPDATE ONLY %2$s AS r SET %4$I = NULL
     WHERE r.ctid >= format('(%%s,0)', page)::tid AND r.ctid < format('(%%s,0)', page + %3$s)::tid AND r.%4$I IS NULL;
    COMMIT;
  END LOOP;
END
$backfill$ $statement$, member::text, member, pages, tenant_column)
$$;
COMMENT ON FUNCTION tenant_guard.backfill_statement(regclass, name, integer) IS
  'The statement that fills the tenant column of one table in, so many pages to a transaction.';

CREATE FUNCTION tenant_guard.migration_statements(root regclass, wanted_column name, pages integer)
  RETURNS TABLE (in_transaction boolean, statement text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source pg_attribute := tenant_guard.ancestors_column(root);
  tenant_column name := coalesce(wanted_column, current_setting('tenant_guard.tenant_column')::name);
  schema_name name := (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = root);
  filler text := format('%I.%I', schema_name, tenant_guard.short_name(root, '_tenant_of_row'));
  not_null text := tenant_guard.short_name(root, '_tenant_not_null');
  member regclass;
BEGIN
  IF pages IS NULL OR pages < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'batch_pages must be at least 1';
  END IF;
  PERFORM FROM pg_attribute a WHERE a.attrelid = root AND a.attname = tenant_column AND NOT a.attisdropped;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'duplicate_column',
      MESSAGE = format('column "%s" of relation "%s" already exists', tenant_column, root),
      DETAIL = 'The migration would add it.',
      HINT = format('Name another column, or if it has the tenant of each row run SELECT * FROM '
                    'tenant_guard.protect_by_own_column(%L, %L).', root, tenant_column);
  END IF;

  in_transaction := true;
  statement := 'SET lock_timeout = ''5s''';
  RETURN NEXT;
  -- Neither a default nor NOT NULL yet: the table is not rewritten.
  statement := format('ALTER TABLE %s ADD COLUMN %I %s%s', root, tenant_column, format_type(source.atttypid, source.atttypmod),
                      (SELECT format(' COLLATE %I.%I', n.nspname, c.collname)
                         FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
                        WHERE c.oid = source.attcollation AND c.collname <> 'default'));
  RETURN NEXT;
  statement := format($filler$CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  NEW.%I := coalesce(%s, (%s));
  RETURN NEW;
END
$body$ $filler$, filler, tenant_column, tenant_guard.tenant_function(source.atttypid), tenant_guard.tenant_of_row(root, 'NEW'));
  RETURN NEXT;
  -- Partitions have the triggers of their parent, children do not.
  FOR member IN SELECT t FROM tenant_guard.relation_tree(root) t JOIN pg_class c ON c.oid = t WHERE NOT c.relispartition ORDER BY t::text LOOP
    statement := format('CREATE TRIGGER tenant_of_row BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION %s()', member, filler);
    RETURN NEXT;
  END LOOP;
  in_transaction := false;
  FOR member IN SELECT t FROM tenant_guard.relation_tree(root) t JOIN pg_class c ON c.oid = t WHERE c.relkind = 'r' ORDER BY t::text LOOP
    statement := tenant_guard.backfill_statement(member, tenant_column, pages);
    RETURN NEXT;
  END LOOP;
  in_transaction := true;
  statement := format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%I IS NOT NULL) NOT VALID', root, not_null, tenant_column);
  RETURN NEXT;
  -- Fails if rows reference nothing: give them a parent, or delete them.
  statement := format('ALTER TABLE %s VALIDATE CONSTRAINT %I', root, not_null);
  RETURN NEXT;
  -- Believes the constraint and does not scan the table.
  statement := format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL, DROP CONSTRAINT %I', root, tenant_column, not_null);
  RETURN NEXT;
  RETURN QUERY SELECT * FROM tenant_guard.tenant_index_steps(root, tenant_column);
  statement := format($check$DO $verify$
BEGIN
  IF EXISTS (SELECT FROM %s AS r WHERE r.%I IS DISTINCT FROM (%s)) THEN
    RAISE EXCEPTION 'column %% has another tenant than the parent in some rows', %L;
  END IF;
END
$verify$ $check$, root, tenant_column, tenant_guard.tenant_of_row(root, 'r'), tenant_column);
  RETURN NEXT;
  statement := format('SELECT * FROM tenant_guard.protect_by_own_column(%L, %L)', root, tenant_column);
  RETURN NEXT;
  -- From here on what writes without a token, or moves rows between tenants, has to set the column itself.
  FOR member IN SELECT t FROM tenant_guard.relation_tree(root) t JOIN pg_class c ON c.oid = t WHERE NOT c.relispartition ORDER BY t::text LOOP
    statement := format('DROP TRIGGER tenant_of_row ON %s', member);
    RETURN NEXT;
  END LOOP;
  statement := format('DROP FUNCTION %s()', filler);
  RETURN NEXT;
  statement := 'RESET lock_timeout';
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION tenant_guard.migration_statements(regclass, name, integer) IS 'Does the work of tenant_column_migration().';

CREATE FUNCTION tenant_guard.tenant_column_migration(relation regclass, tenant_column name DEFAULT NULL,
                                                     batch_pages integer DEFAULT 500)
  RETURNS TABLE (step integer, in_transaction boolean, statement text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.step::integer, s.in_transaction, s.statement
    FROM tenant_guard.migration_statements($1, $2, $3) WITH ORDINALITY AS s (in_transaction, statement, step)
$$;
COMMENT ON FUNCTION tenant_guard.tenant_column_migration(regclass, name, integer) IS
  'Writes the migration out that gives a derived table a tenant column of its own while it is in use: add, fill new rows in, '
  'backfill in batches, NOT NULL, index, check, switch the protection. Runs nothing. Statements that cannot run in a '
  'transaction block have in_transaction false. SQLSTATE 55000 if the table is not derived, 42701 if it has the column.';

CREATE FUNCTION tenant_guard.switch_to_own_column(root regclass, wanted_column name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  member regclass;
  declared tenant_guard.relations;
BEGIN
  PERFORM tenant_guard.ancestors_column(root);
  PERFORM tenant_guard.check_tenant_column(root, wanted_column);
  -- What is protected through it first, as a query on that locks them.
  FOR member IN
      SELECT r.relation FROM tenant_guard.relations r WHERE r.parent IN (SELECT tenant_guard.relation_tree(root)) ORDER BY 1 LOOP
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', member);
  END LOOP;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', root);
  FOR member IN SELECT tenant_guard.relation_tree(root) LOOP
    SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = member AND r.added_access_policy;
    IF FOUND THEN
      step_relation := member;
      action := 'drop policy';
      statement := format('DROP POLICY tenant_guard_access ON %s', member);
      PERFORM tenant_guard.run_on_protected(member, statement);
      RETURN NEXT;
    END IF;
    -- What is decided anew is NULL.
    UPDATE tenant_guard.relations r
       SET status = 'protected', tenant_column = wanted_column, parent = NULL, parent_constraint = NULL,
           added_default = NULL, added_access_policy = NULL
     WHERE r.relation = member;
  END LOOP;
  RETURN QUERY SELECT * FROM tenant_guard.run_protection_steps(root, wanted_column);
  -- What is protected through it compares with its column from now on.
  FOR declared IN
      SELECT r.* FROM tenant_guard.relations r
       WHERE r.parent IN (SELECT tenant_guard.relation_tree(root)) ORDER BY r.relation::text LOOP
    RETURN QUERY SELECT * FROM tenant_guard.derive_tree(declared.relation, declared.parent, declared.parent_constraint);
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.switch_to_own_column(regclass, name) IS 'Does the work of protect_by_own_column().';

CREATE FUNCTION tenant_guard.protect_by_own_column(relation regclass, tenant_column name)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.switch_to_own_column($1, $2)
$$;
COMMENT ON FUNCTION tenant_guard.protect_by_own_column(regclass, name) IS
  'Switches a relation that is protected through a parent to a tenant column of its own, without a moment in which it is '
  'not protected, and returns the statements it ran. SQLSTATE 55000 if it is not derived, 42703 or 42804 if the column '
  'cannot be a tenant column.';
