-- Protection: which statements isolate a relation, running them, and taking them back. The functions
-- run as the extension's owner with a pinned search_path, so every name they print is qualified.

CREATE FUNCTION tenant_guard.tenant_function(column_type oid) RETURNS text
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT CASE
      WHEN t.typbasetype <> 0 THEN tenant_guard.tenant_function(t.typbasetype)
      WHEN t.oid = 'uuid'::regtype THEN 'tenant_guard.tenant_id_uuid()'
      WHEN t.oid IN ('text'::regtype, 'varchar'::regtype) THEN 'tenant_guard.tenant_id()'
      WHEN t.oid = 'bigint'::regtype THEN 'tenant_guard.tenant_id_bigint()'
      WHEN t.oid = 'integer'::regtype THEN 'tenant_guard.tenant_id_int()'
    END
    FROM pg_type t WHERE t.oid = column_type);
END
$$;
COMMENT ON FUNCTION tenant_guard.tenant_function(oid) IS
  'The call that returns the tenant id in this type; NULL for a type that tenant columns cannot have.';

CREATE FUNCTION tenant_guard.relation_kind(relkind "char") RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE $1 WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                 WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                 WHEN 'S' THEN 'sequence' ELSE 'relation' END
$$;
COMMENT ON FUNCTION tenant_guard.relation_kind("char") IS 'What pg_class.relkind is called.';

-- The relation and everything below it, nearest first.
CREATE FUNCTION tenant_guard.relation_tree(root regclass) RETURNS SETOF regclass
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = root) THEN
    RETURN NEXT root;
    RETURN;
  END IF;
  RETURN QUERY
    WITH RECURSIVE tree (relation, depth) AS (
      SELECT root::oid, 0
      UNION
      SELECT i.inhrelid, t.depth + 1 FROM pg_inherits i JOIN tree t ON i.inhparent = t.relation)
    SELECT relation::regclass FROM tree GROUP BY relation ORDER BY max(depth), relation::regclass::text;
END
$$;
COMMENT ON FUNCTION tenant_guard.relation_tree(regclass) IS
  'A relation, its partitions and its inheritance children.';

-- Raises the reason why the column cannot be a tenant column; returns it otherwise.
CREATE FUNCTION tenant_guard.tenant_column_of(target regclass, column_name name) RETURNS pg_attribute
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tenant_column pg_attribute;
BEGIN
  SELECT * INTO tenant_column FROM pg_attribute a
   WHERE a.attrelid = target AND a.attname = column_name AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'undefined_column',
      MESSAGE = format('column "%s" of relation "%s" does not exist', column_name, target),
      DETAIL = 'The isolation compares the tenant column with the tenant of the transaction.',
      HINT = format('Name the tenant column: SELECT tenant_guard.protect(%L, ''column'').', target);
  END IF;
  IF tenant_guard.tenant_function(tenant_column.atttypid) IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'datatype_mismatch',
      MESSAGE = format('column "%s" of relation "%s" cannot be a tenant column', column_name, target),
      DETAIL = format('Its type is %s.', format_type(tenant_column.atttypid, tenant_column.atttypmod)),
      HINT = 'Use a column of type uuid, text, varchar, bigint or integer.';
  END IF;
  IF EXISTS (SELECT FROM pg_collation c WHERE c.oid = tenant_column.attcollation AND NOT c.collisdeterministic) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'datatype_mismatch',
      MESSAGE = format('column "%s" of relation "%s" cannot be a tenant column', column_name, target),
      DETAIL = 'Its collation is nondeterministic: different tenant ids would be equal.',
      HINT = 'Use a deterministic collation for the column.';
  END IF;
  RETURN tenant_column;
END
$$;
COMMENT ON FUNCTION tenant_guard.tenant_column_of(regclass, name) IS
  'The column, if it can be a tenant column; SQLSTATE 42703 or 42804 if not.';

-- Raises the reason why the relation cannot be protected by the column; returns the column otherwise.
CREATE FUNCTION tenant_guard.check_tenant_column(target regclass, column_name name) RETURNS pg_attribute
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  class pg_class;
BEGIN
  SELECT * INTO STRICT class FROM pg_class c WHERE c.oid = target;
  IF class.relkind NOT IN ('r', 'p') OR class.relnamespace = 'pg_catalog'::regnamespace THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('relation "%s" cannot be protected', target),
      DETAIL = format('It is a %s, and row security is possible on ordinary tables only.',
                      CASE WHEN class.relnamespace = 'pg_catalog'::regnamespace THEN 'system catalog'
                           ELSE tenant_guard.relation_kind(class.relkind) END),
      HINT = 'Protect the tables it reads, or run tenant_guard.declare_shared() if it is reference data.';
  END IF;
  IF class.relpersistence = 't' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('relation "%s" cannot be protected', target),
      DETAIL = 'It is a temporary table, and belongs to its transaction alone.';
  END IF;
  RETURN tenant_guard.tenant_column_of(target, column_name);
END
$$;
COMMENT ON FUNCTION tenant_guard.check_tenant_column(regclass, name) IS
  'Checks that a relation can be isolated by a column; SQLSTATE 42809, 42703 or 42804 if not.';

CREATE FUNCTION tenant_guard.isolation_condition(tenant_column pg_attribute) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN format('%I = %s', tenant_column.attname, tenant_guard.tenant_function(tenant_column.atttypid));
END
$$;
COMMENT ON FUNCTION tenant_guard.isolation_condition(pg_attribute) IS
  'The condition that a row belongs to the tenant of the transaction.';

CREATE FUNCTION tenant_guard.has_isolation_policy(target regclass, tenant_column name) RETURNS boolean
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_has_isolation_policy';
COMMENT ON FUNCTION tenant_guard.has_isolation_policy(regclass, name) IS
  'Whether a relation has the policy "tenant_guard_isolation" as protect() makes it for this column.';

CREATE FUNCTION tenant_guard.require_current_declarations() RETURNS void
  LANGUAGE c AS 'MODULE_PATHNAME', 'tenant_guard_require_current_declarations';
COMMENT ON FUNCTION tenant_guard.require_current_declarations() IS
  'Raises SQLSTATE 40001 if protection or inheritance of relations changed since the snapshot of a transaction under '
  'REPEATABLE READ or SERIALIZABLE.';

-- What is missing on one relation for its isolation, in the order in which to run it. Nothing is
-- missing on a relation that is protected.
CREATE FUNCTION tenant_guard.protection_steps(target regclass, wanted_column name)
  RETURNS TABLE (action text, statement text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  class pg_class;
  declared tenant_guard.relations;
  tenant_column pg_attribute;
  column_name name;
  condition text;
  restricted_condition text;
  has_isolation boolean;
  has_stale_isolation boolean;
  needs_default boolean;
  inherits_default boolean;
  needs_access boolean;
BEGIN
  SELECT * INTO STRICT class FROM pg_class c WHERE c.oid = target;
  SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = target;
  IF declared.status = 'shared' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is declared shared', target),
      DETAIL = format('The reason given was: %s', declared.reason),
      HINT = format('Run SELECT tenant_guard.undeclare_shared(%L) first.', target);
  END IF;
  IF declared.status = 'derived' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is protected through "%s"', target, declared.parent),
      DETAIL = format('Its rows belong to the tenant of the row that foreign key "%s" references.',
                      declared.parent_constraint),
      HINT = format('Run SELECT tenant_guard.unprotect(%L) first.', target);
  END IF;
  IF declared.tenant_column <> wanted_column THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is protected by column "%s"', target, declared.tenant_column),
      DETAIL = format('Column "%s" was asked for.', wanted_column),
      HINT = format('Run SELECT tenant_guard.unprotect(%L) first.', target);
  END IF;
  column_name := coalesce(wanted_column, declared.tenant_column,
                          current_setting('tenant_guard.tenant_column', true)::name);
  tenant_column := tenant_guard.check_tenant_column(target, column_name);
  condition := tenant_guard.isolation_condition(tenant_column);
  restricted_condition := tenant_guard.with_restrictions(target, condition);
  has_isolation := tenant_guard.has_isolation_policy(target, column_name);
  has_stale_isolation := NOT has_isolation AND EXISTS (
      SELECT FROM pg_policy p WHERE p.polrelid = target AND p.polname = 'tenant_guard_isolation');
  needs_default := NOT tenant_column.atthasdef AND tenant_column.attidentity = '';
  -- A partition made after its parent was protected came with the parent's default.
  inherits_default := EXISTS (
      SELECT FROM pg_inherits i
        JOIN tenant_guard.relations r ON r.relation = i.inhparent AND r.added_default
        JOIN pg_attrdef d ON d.adrelid = target AND d.adnum = tenant_column.attnum
       WHERE i.inhrelid = target
         AND pg_get_expr(d.adbin, d.adrelid) = tenant_guard.tenant_function(tenant_column.atttypid));
  needs_access := NOT EXISTS (
      SELECT FROM pg_policy p WHERE p.polrelid = target AND p.polpermissive);

  -- While it is declared protected, its policies cannot be dropped, not even by us.
  IF has_stale_isolation AND declared.status IS NOT NULL THEN
    action := 'unregister';
    statement := format('DELETE FROM tenant_guard.relations WHERE relation = %L::regclass', target);
    RETURN NEXT;
  END IF;
  IF has_stale_isolation THEN
    action := 'drop policy';
    statement := format('DROP POLICY tenant_guard_isolation ON %s', target);
    RETURN NEXT;
  END IF;
  IF EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = target AND p.polname = 'tenant_guard_closed') THEN
    action := 'drop policy';
    statement := format('DROP POLICY tenant_guard_closed ON %s', target);
    RETURN NEXT;
  END IF;
  IF declared.status IS NULL OR has_stale_isolation THEN
    action := 'register';
    statement := format(
        'INSERT INTO tenant_guard.relations (relation, status, tenant_column, row_security_before, '
        'force_before, added_default, added_access_policy) '
        'VALUES (%L::regclass, ''protected'', %L, %L, %L, %L, %L)', target, column_name,
        coalesce(declared.row_security_before, class.relrowsecurity),
        coalesce(declared.force_before, class.relforcerowsecurity),
        coalesce(declared.added_default, needs_default OR inherits_default),
        coalesce(declared.added_access_policy, needs_access));
    RETURN NEXT;
  END IF;
  IF NOT has_isolation THEN
    action := 'create isolation policy';
    statement := format('CREATE POLICY tenant_guard_isolation ON %s AS RESTRICTIVE FOR ALL TO PUBLIC '
                        'USING (%s) WITH CHECK (%s)', target, restricted_condition, restricted_condition);
    RETURN NEXT;
  END IF;
  IF needs_access THEN
    -- The same condition, and not "true": were the isolation policy to go, this one must not open
    -- the relation.
    action := 'create access policy';
    statement := format('CREATE POLICY tenant_guard_access ON %s AS PERMISSIVE FOR ALL TO PUBLIC '
                        'USING (%s) WITH CHECK (%s)', target, condition, condition);
    RETURN NEXT;
  END IF;
  IF NOT class.relrowsecurity THEN
    action := 'enable row security';
    statement := format('ALTER TABLE ONLY %s ENABLE ROW LEVEL SECURITY', target);
    RETURN NEXT;
  END IF;
  IF NOT class.relforcerowsecurity THEN
    action := 'force row security';
    statement := format('ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY', target);
    RETURN NEXT;
  END IF;
  IF needs_default THEN
    action := 'set default';
    statement := format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT %s', target, column_name,
                        tenant_guard.tenant_function(tenant_column.atttypid));
    RETURN NEXT;
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.protection_steps(regclass, name) IS
  'The statements that are missing for the isolation of one relation.';

-- Row security of a parent filters what is read from a foreign table below it, and PostgreSQL does not check what is written
-- to that through the parent: one tenant could make rows of another.
CREATE FUNCTION tenant_guard.refuse_foreign_part(part regclass, root regclass) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'wrong_object_type',
    MESSAGE = format('foreign table "%s" cannot be a part of a protected relation', part),
    DETAIL = format('Rows that are written to it through "%s" are not checked by row security.', root),
    HINT = 'Keep it apart (DETACH PARTITION, NO INHERIT), and read it through tenant_guard.secure_view().';
END
$$;
COMMENT ON FUNCTION tenant_guard.refuse_foreign_part(regclass, regclass) IS 'Raises SQLSTATE 42809.';

CREATE FUNCTION tenant_guard.require_no_foreign_part(root regclass) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part regclass;
BEGIN
  IF NOT (SELECT c.relhassubclass FROM pg_class c WHERE c.oid = root) THEN
    RETURN;
  END IF;
  SELECT c.oid INTO part FROM pg_class c
   WHERE c.relkind = 'f' AND c.oid <> root AND c.oid IN (SELECT tenant_guard.relation_tree(root)) LIMIT 1;
  IF FOUND THEN
    PERFORM tenant_guard.refuse_foreign_part(part, root);
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.require_no_foreign_part(regclass) IS
  'Refuses a relation with a foreign table below it (SQLSTATE 42809).';

-- The steps for the relation and everything below it. Declarations come first: what the later steps
-- do to a declared relation is then not taken for somebody else's DDL.
CREATE FUNCTION tenant_guard.tree_steps(root regclass, wanted_column name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT t.relation, s.action, s.statement
      FROM tenant_guard.relation_tree(root) WITH ORDINALITY AS t (relation, place),
           tenant_guard.protection_steps(t.relation, wanted_column) WITH ORDINALITY AS s (action, statement, step)
     ORDER BY s.action NOT IN ('unregister', 'drop policy', 'register'), t.place, s.step;
END
$$;
COMMENT ON FUNCTION tenant_guard.tree_steps(regclass, name) IS
  'The statements that are missing for the isolation of a relation, its partitions and children.';

-- The caller holds the lock that the steps need, on the relation and on what is below it.
CREATE FUNCTION tenant_guard.run_protection_steps(root regclass, wanted_column name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  FOR step_relation, action, statement IN SELECT * FROM tenant_guard.tree_steps(root, wanted_column) LOOP
    EXECUTE statement;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.run_protection_steps(regclass, name) IS
  'Runs what is missing for the isolation of a locked relation, its partitions and children.';

CREATE FUNCTION tenant_guard.protect_tree(root regclass, wanted_column name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
  IF root IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation must not be null';
  END IF;
  PERFORM tenant_guard.require_no_foreign_part(root);
  -- What cannot be done is refused before anything is locked, and what is protected is left alone without a lock.
  IF EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = root) THEN
    IF NOT EXISTS (SELECT FROM tenant_guard.tree_steps(root, wanted_column)) THEN
      RETURN;
    END IF;
  ELSE
    PERFORM tenant_guard.check_tenant_column(
        root, coalesce(wanted_column, current_setting('tenant_guard.tenant_column', true)::name));
  END IF;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', root);
  PERFORM tenant_guard.require_current_declarations();
  RETURN QUERY SELECT * FROM tenant_guard.run_protection_steps(root, wanted_column);
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_tree(regclass, name) IS
  'Locks a relation and runs what is missing for its isolation and that of its partitions and children.';

CREATE FUNCTION tenant_guard.protect(relation regclass, tenant_column name DEFAULT NULL)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.protect_tree($1, $2)
$$;
COMMENT ON FUNCTION tenant_guard.protect(regclass, name) IS
  'Isolates a relation, its partitions and children by tenant, and returns the statements it ran: none '
  'if they are isolated already.';

-- Every table that protect_all() would look at, its own column first.
CREATE FUNCTION tenant_guard.protectable_relations()
  RETURNS TABLE (root regclass, column_name name)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass,
         coalesce(r.tenant_column, current_setting('tenant_guard.tenant_column', true)::name)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN tenant_guard.relations r ON r.relation = c.oid
   WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenant_guard')
     AND n.nspname !~ '^pg_toast'
     AND (r.status IS NULL OR r.status = 'protected')
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     AND EXISTS (SELECT FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attname = coalesce(r.tenant_column, current_setting('tenant_guard.tenant_column', true)))
   ORDER BY EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid), c.oid::regclass::text
$$;
COMMENT ON FUNCTION tenant_guard.protectable_relations() IS
  'The tables that have a tenant column and are not declared shared; parents before children.';

CREATE FUNCTION tenant_guard.protect_listed(roots regclass[], dry_run boolean)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  root regclass;
  done integer := 0;
  planned regclass[] := '{}';
  detail text;
  hint text;
BEGIN
  FOREACH root IN ARRAY roots LOOP
    CONTINUE WHEN root = ANY (planned);
    BEGIN
      IF dry_run THEN
        RETURN QUERY SELECT * FROM tenant_guard.tree_steps(root, NULL) s WHERE s.step_relation <> ALL (planned);
        -- Only a parent's tree can hold a relation that is listed after it, or that is below another parent too.
        IF EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = root) THEN
          planned := planned || ARRAY(SELECT tenant_guard.relation_tree(root));
        END IF;
      ELSE
        RETURN QUERY SELECT * FROM tenant_guard.protect_tree(root, NULL);
      END IF;
      done := done + 1;
    EXCEPTION
      WHEN query_canceled OR operator_intervention THEN RAISE;
      WHEN insufficient_resources OR out_of_memory THEN
        RAISE EXCEPTION USING
          ERRCODE = SQLSTATE,
          MESSAGE = format('could not protect relation "%s" in the same transaction as %s others: %s', root, done, SQLERRM),
          DETAIL = 'A transaction holds a lock on each relation that it protects. Nothing was protected.',
          HINT = 'Run CALL tenant_guard.protect_all_in_batches(), which commits in between, or raise '
                 '"max_locks_per_transaction".';
      WHEN OTHERS THEN
        -- One relation that cannot be protected is reported and does not keep the others open.
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        step_relation := root;
        action := 'failed';
        statement := concat_ws(' ', concat(SQLERRM, CASE WHEN detail <> '' THEN ':' WHEN hint <> '' THEN '.' END),
                               nullif(detail, ''), nullif(hint, ''));
        RETURN NEXT;
    END;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_listed(regclass[], boolean) IS
  'Does the work of protect_all() on the relations that it is given. SQLSTATE 53200 when the transaction '
  'cannot hold so many locks.';

CREATE FUNCTION tenant_guard.protectable_roots() RETURNS regclass[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  SELECT coalesce(array_agg(p.root ORDER BY p.place), '{}')
    FROM tenant_guard.protectable_relations() WITH ORDINALITY AS p (root, column_name, place)
$$;
COMMENT ON FUNCTION tenant_guard.protectable_roots() IS 'The relations of protectable_relations(), for those without rights.';

-- What has a tenant column and is passed over, and why.
CREATE FUNCTION tenant_guard.skipped_relations() RETURNS TABLE (relation regclass, reason text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
  RETURN QUERY SELECT c.oid::regclass,
         CASE WHEN e.extname IS NOT NULL THEN format('It belongs to extension "%s".', e.extname)
              ELSE format('Row security is not possible on a %s: run SELECT * FROM tenant_guard.secure_view(%L).',
                          tenant_guard.relation_kind(c.relkind), c.oid::regclass::text) END
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                       AND a.attname = current_setting('tenant_guard.tenant_column', true)
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    LEFT JOIN pg_extension e ON e.oid = d.refobjid
   WHERE (c.relkind IN ('m', 'f') OR c.relkind IN ('r', 'p') AND e.extname IS NOT NULL)
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenant_guard')
     AND NOT EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = c.oid)
     AND NOT EXISTS (SELECT FROM tenant_guard.secure_views s WHERE s.relation = c.oid)
   ORDER BY c.oid::regclass::text;
END
$$;
COMMENT ON FUNCTION tenant_guard.skipped_relations() IS
  'Relations with a tenant column that protect_all() cannot protect, and what to do.';

CREATE FUNCTION tenant_guard.protect_every(dry_run boolean)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  skipped record;
BEGIN
  RETURN QUERY SELECT * FROM tenant_guard.protect_listed(tenant_guard.protectable_roots(), dry_run);
  FOR skipped IN SELECT s.relation, s.reason FROM tenant_guard.skipped_relations() s LOOP
    RAISE NOTICE USING MESSAGE = format('relation "%s" is not protected', skipped.relation), DETAIL = skipped.reason;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_every(boolean) IS 'Does the work of protect_all().';

CREATE FUNCTION tenant_guard.protect_all(dry_run boolean DEFAULT false)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.protect_every($1)
$$;
COMMENT ON FUNCTION tenant_guard.protect_all(boolean) IS
  'protect() for every table with a tenant column; with dry_run it runs nothing. A relation that cannot '
  'be protected has a row with action "failed", the reason, and what to do; one on which row security is impossible, or of an '
  'extension, is a NOTICE with the reason.';

-- A procedure that commits can neither be SECURITY DEFINER nor pin its search_path: it does so itself, for each
-- transaction, and leaves the work to functions that are both.
CREATE PROCEDURE tenant_guard.protect_all_in_batches(batch integer DEFAULT 100)
  LANGUAGE plpgsql AS $$
DECLARE
  roots regclass[];
  place integer := 1;
  step record;
  protected_relations integer := 0;
  failed_relations integer := 0;
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  IF batch IS NULL OR batch < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'batch must be at least 1';
  END IF;
  roots := tenant_guard.protectable_roots();
  WHILE place <= cardinality(roots) LOOP
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    FOR step IN SELECT s.step_relation, s.action, s.statement
                  FROM tenant_guard.protect_listed(roots[place:place + batch - 1], false) s
                 WHERE s.action IN ('register', 'failed') LOOP
      IF step.action = 'register' THEN
        protected_relations := protected_relations + 1;
      ELSE
        failed_relations := failed_relations + 1;
        RAISE WARNING USING MESSAGE = format('relation "%s" is not protected', step.step_relation), DETAIL = step.statement;
      END IF;
    END LOOP;
    COMMIT;
    place := place + batch;
  END LOOP;
  FOR step IN SELECT s.relation, s.reason FROM tenant_guard.skipped_relations() s LOOP
    RAISE WARNING USING MESSAGE = format('relation "%s" is not protected', step.relation), DETAIL = step.reason;
  END LOOP;
  RAISE INFO '% relations were protected, % could not be', protected_relations, failed_relations;
END
$$;
COMMENT ON PROCEDURE tenant_guard.protect_all_in_batches(integer) IS
  'protect_all() that commits after so many relations, for databases with more of them than a transaction can '
  'lock. A relation that cannot be protected is a WARNING with the reason. SQLSTATE 2D000 in a transaction block.';

CREATE FUNCTION tenant_guard.unprotect_tree(root regclass)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  declared tenant_guard.relations;
BEGIN
  PERFORM FROM tenant_guard.relations r WHERE r.relation = root AND r.status IN ('protected', 'derived');
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is not protected', root),
      HINT = 'SELECT * FROM tenant_guard.protection lists what is.';
  END IF;
  PERFORM FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
    WHERE i.inhrelid = root AND r.status IN ('protected', 'derived');
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" belongs to a protected parent', root),
      DETAIL = 'Partitions and children are protected with their parent.',
      HINT = 'Unprotect the parent, or detach the relation from it first.';
  END IF;
  FOR declared IN
      SELECT r.* FROM tenant_guard.relations r
       WHERE r.parent = ANY (ARRAY(SELECT tenant_guard.relation_tree(root))) AND r.parent IS NOT NULL ORDER BY r.relation::text LIMIT 1 LOOP
    RAISE EXCEPTION USING
      ERRCODE = 'dependent_objects_still_exist',
      MESSAGE = format('relation "%s" is protected through "%s"', declared.relation, declared.parent),
      DETAIL = 'Its rows would belong to nobody.',
      HINT = format('Run SELECT tenant_guard.unprotect(%L) first.', declared.relation);
  END LOOP;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', root);
  PERFORM tenant_guard.require_current_declarations();
  FOR declared IN
      SELECT r.* FROM unnest(ARRAY(SELECT tenant_guard.relation_tree(root))) WITH ORDINALITY AS t (relation, place)
        JOIN tenant_guard.relations r ON r.relation = t.relation AND r.status IN ('protected', 'derived')
       ORDER BY t.place LOOP
    step_relation := declared.relation;
    -- First: what is declared protected resists the statements that follow.
    action := 'unregister';
    statement := format('DELETE FROM tenant_guard.relations WHERE relation = %L::regclass', step_relation);
    EXECUTE statement;
    RETURN NEXT;
    IF EXISTS (SELECT FROM tenant_guard.attribute_restrictions r WHERE r.relation = step_relation) THEN
      action := 'unrestrict';
      statement := format('DELETE FROM tenant_guard.attribute_restrictions WHERE relation = %L::regclass', step_relation);
      EXECUTE statement;
      RETURN NEXT;
    END IF;
    FOR action, statement IN
        SELECT s.action, s.statement FROM (
          SELECT 1, 'drop policy', format('DROP POLICY %I ON %s', p.polname, step_relation)
            FROM pg_policy p
           WHERE p.polrelid = step_relation
             AND (p.polname = 'tenant_guard_isolation'
                  OR p.polname = 'tenant_guard_access' AND declared.added_access_policy)
          UNION ALL
          SELECT 2, 'no force row security',
                 format('ALTER TABLE ONLY %s NO FORCE ROW LEVEL SECURITY', step_relation)
           WHERE NOT declared.force_before
          UNION ALL
          SELECT 3, 'disable row security',
                 format('ALTER TABLE ONLY %s DISABLE ROW LEVEL SECURITY', step_relation)
           WHERE NOT declared.row_security_before
          UNION ALL
          SELECT 4, 'drop default',
                 format('ALTER TABLE ONLY %s ALTER COLUMN %I DROP DEFAULT', step_relation,
                        declared.tenant_column)
           WHERE declared.added_default
             -- Not one that somebody has put in its place since.
             AND EXISTS (SELECT FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                          WHERE a.attrelid = step_relation AND a.attname = declared.tenant_column
                            AND pg_get_expr(d.adbin, d.adrelid) = tenant_guard.tenant_function(a.atttypid))
        ) AS s (step, action, statement) ORDER BY s.step, s.statement LOOP
      EXECUTE statement;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.unprotect_tree(regclass) IS 'Does the work of unprotect().';

CREATE FUNCTION tenant_guard.unprotect(relation regclass)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.unprotect_tree($1)
$$;
COMMENT ON FUNCTION tenant_guard.unprotect(regclass) IS
  'Takes back what protect() did to a relation, its partitions and children, and returns the '
  'statements it ran.';

CREATE FUNCTION tenant_guard.declare_shared(relation regclass, reason text, writable boolean DEFAULT false)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  member regclass;
BEGIN
  IF relation IS NULL OR writable IS NULL OR coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'a shared relation needs a reason',
      HINT = 'Say why all tenants may read it: SELECT tenant_guard.declare_shared(relation, ''reason'').';
  END IF;
  FOR member IN SELECT tenant_guard.relation_tree(declare_shared.relation) LOOP
    IF (SELECT c.relkind FROM pg_class c WHERE c.oid = member) NOT IN ('r', 'p', 'm', 'f')
       OR (SELECT c.relnamespace FROM pg_class c WHERE c.oid = member) = 'pg_catalog'::regnamespace THEN
      RAISE EXCEPTION USING
        ERRCODE = 'wrong_object_type',
        MESSAGE = format('relation "%s" cannot be declared shared', member),
        DETAIL = 'Only tables, materialized views and foreign tables can be.',
        HINT = 'Declare the tables that it reads.';
    END IF;
    IF EXISTS (SELECT FROM tenant_guard.relations r
                WHERE r.relation = member AND r.status IN ('protected', 'derived')) THEN
      RAISE EXCEPTION USING
        ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('relation "%s" is protected for tenant isolation', member),
        HINT = format('Run SELECT tenant_guard.unprotect(%L) first.', member);
    END IF;
    INSERT INTO tenant_guard.relations AS r (relation, status, reason, writable)
    VALUES (member, 'shared', declare_shared.reason, declare_shared.writable);
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.declare_shared(regclass, text, boolean) IS
  'Declares reference data that all tenants may read, and write if "writable". Declaring again replaces '
  'reason and "writable".';

CREATE FUNCTION tenant_guard.undeclare_shared(relation regclass)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM tenant_guard.relations r
   WHERE r.status = 'shared'
     AND r.relation IN (SELECT tenant_guard.relation_tree(undeclare_shared.relation));
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is not declared shared', undeclare_shared.relation),
      HINT = 'SELECT * FROM tenant_guard.protection lists what is.';
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.undeclare_shared(regclass) IS
  'Takes declare_shared() back: guarded transactions are refused the relation from then on.';

-- Called by the library before DROP EXTENSION without CASCADE. The policies alone would make the server refuse it, as
-- long as they are there; its hint would be CASCADE.
CREATE FUNCTION tenant_guard.require_nothing_protected() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  protected_relations text[];
BEGIN
  SELECT array_agg(r.relation::text ORDER BY r.status <> 'derived', r.relation::text) INTO protected_relations
    FROM tenant_guard.relations r JOIN pg_class c ON c.oid = r.relation
   WHERE r.status IN ('protected', 'derived');
  IF protected_relations IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'dependent_objects_still_exist',
      MESSAGE = format('extension "tenant_guard" protects %s relations', cardinality(protected_relations)),
      DETAIL = format('Among them are %s.', array_to_string(protected_relations[1:10], ', ')),
      HINT = format('Run SELECT tenant_guard.unprotect(%L), and so for each. DROP EXTENSION tenant_guard CASCADE closes '
                    'them to everybody instead.', protected_relations[1]);
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.require_nothing_protected() IS
  'Refuses if any relation is protected (SQLSTATE 2BP01).';

-- Called by the library before DROP EXTENSION ... CASCADE: the isolation policies go with the
-- functions that they call, and permissive policies of others would then open the relations.
CREATE FUNCTION tenant_guard.close_protected_relations() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  member regclass;
  grantee text;
BEGIN
  FOR member IN SELECT r.relation FROM tenant_guard.relations r JOIN pg_class c ON c.oid = r.relation
                 WHERE r.status IN ('protected', 'derived') LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_policy p
                           WHERE p.polrelid = member AND p.polname = 'tenant_guard_closed');
    EXECUTE format('CREATE POLICY tenant_guard_closed ON %s AS RESTRICTIVE FOR ALL TO PUBLIC '
                   'USING (false) WITH CHECK (false)', member);
  END LOOP;
  -- No policy is possible on these, and their secure views go with the extension: nobody but the owner keeps rights.
  FOR member, grantee IN
      SELECT DISTINCT s.relation, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM tenant_guard.secure_views s
        JOIN pg_class c ON c.oid = s.relation,
             LATERAL (SELECT c.relacl AS acl UNION ALL SELECT attacl FROM pg_attribute WHERE attrelid = c.oid) acls,
             aclexplode(acls.acl) a
       WHERE a.grantee <> c.relowner LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', member, grantee);
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.close_protected_relations() IS
  'Gives every protected relation a policy that refuses all rows and needs no extension, and takes all rights on relations '
  'with a secure view from everybody but their owners.';
