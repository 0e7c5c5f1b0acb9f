-- Protection of tables without a tenant column, through a foreign key to a protected parent.

CREATE FUNCTION tenant_guard.derived_condition(relation regclass) RETURNS text
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_derived_condition';
COMMENT ON FUNCTION tenant_guard.derived_condition(regclass) IS
  'The condition that the row of its parent belongs to the tenant, for a relation that is declared derived; '
  'NULL if its foreign key is gone or the parent is not isolated.';

-- The foreign key of one relation to the parent: the one asked for, or the only one.
CREATE FUNCTION tenant_guard.key_to_parent(child regclass, parent regclass, wanted name) RETURNS name
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found name[];
BEGIN
  SELECT array_agg(k.conname ORDER BY k.conname) INTO found
    FROM pg_constraint k
   WHERE k.conrelid = child AND k.confrelid = parent AND k.contype = 'f'
     AND (wanted IS NULL OR k.conname = wanted
          -- What a partition has of its parent's may have another name.
          OR k.conparentid IN (SELECT p.oid FROM pg_constraint p WHERE p.conname = wanted));
  IF found IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'undefined_object',
      MESSAGE = format('relation "%s" has no foreign key%s to "%s"', child,
                       CASE WHEN wanted IS NOT NULL THEN format(' "%s"', wanted) END, parent),
      DETAIL = 'Its rows belong to the tenant of the row that they reference.',
      HINT = format('Add it: ALTER TABLE %s ADD FOREIGN KEY (...) REFERENCES %s.', child, parent);
  END IF;
  IF cardinality(found) > 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('relation "%s" has several foreign keys to "%s"', child, parent),
      DETAIL = format('They are %s.', array_to_string(found, ', ')),
      HINT = format('Name the one that says whose the row is: SELECT tenant_guard.protect_via(%L, %L, %L).',
                    child, parent, found[1]);
  END IF;
  RETURN found[1];
END
$$;
COMMENT ON FUNCTION tenant_guard.key_to_parent(regclass, regclass, name) IS
  'The name of the foreign key from a relation to its parent; SQLSTATE 42704 without one, 22023 if there are '
  'several and none was named.';

-- Refuses what cannot be derived, and says what can be done.
CREATE FUNCTION tenant_guard.check_derivation(child regclass, parent regclass) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
BEGIN
  IF NOT tenant_guard.can_be_protected(child) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('relation "%s" cannot be protected', child),
      DETAIL = 'Row security is possible on ordinary tables only, that last and are no system catalogs.';
  END IF;
  PERFORM FROM tenant_guard.relations r WHERE r.relation = check_derivation.parent AND r.status IN ('protected', 'derived');
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is not protected', parent),
      DETAIL = format('The rows of "%s" would be isolated through it.', child),
      HINT = format('Run SELECT tenant_guard.protect(%L) first.', parent);
  END IF;
  SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = child;
  IF declared.status IS NOT NULL AND (declared.status <> 'derived' OR declared.parent <> check_derivation.parent) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is already declared', child),
      DETAIL = CASE declared.status WHEN 'shared' THEN 'It is declared shared.'
                                    WHEN 'derived' THEN format('It is protected through "%s".', declared.parent)
                                    ELSE format('It is protected by column "%s".', declared.tenant_column) END,
      HINT = CASE declared.status
               WHEN 'shared' THEN format('Run SELECT tenant_guard.undeclare_shared(%L) first.', child)
               ELSE format('Run SELECT tenant_guard.unprotect(%L) first.', child) END;
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.check_derivation(regclass, regclass) IS
  'Checks that a relation can be protected through a parent; SQLSTATE 42809 or 55000 if not.';

-- Isolates one relation through its parent and returns what it ran: nothing if it is isolated so already.
CREATE FUNCTION tenant_guard.derive_relation(child regclass, parent regclass, foreign_key name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  class pg_class;
  has_isolation boolean;
  needs_access boolean;
  condition text;
  restricted_condition text;
  policy name;
BEGIN
  PERFORM tenant_guard.check_derivation(child, parent);
  SELECT * INTO STRICT class FROM pg_class c WHERE c.oid = child;
  step_relation := child;
  needs_access := NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = child AND p.polpermissive);
  has_isolation := tenant_guard.has_isolation_policy(child, '');

  IF NOT EXISTS (SELECT FROM tenant_guard.relations r
                  WHERE r.relation = child AND r.parent_constraint = foreign_key) THEN
    action := 'register';
    statement := format(
        'INSERT INTO tenant_guard.relations (relation, status, parent, parent_constraint, row_security_before, '
        'force_before, added_default, added_access_policy) '
        'VALUES (%L::regclass, ''derived'', %L::regclass, %L, %L, %L, false, %L)', child, parent, foreign_key,
        class.relrowsecurity, class.relforcerowsecurity, needs_access);
    EXECUTE statement;
    RETURN NEXT;
  END IF;
  condition := tenant_guard.derived_condition(child);
  IF condition IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" cannot be protected through "%s"', child, parent),
      DETAIL = format('Foreign key "%s" does not compare by equality.', foreign_key),
      HINT = 'Give the table a tenant column.';
  END IF;
  restricted_condition := tenant_guard.with_restrictions(child, condition);
  FOREACH policy IN ARRAY ARRAY['tenant_guard_isolation', 'tenant_guard_closed'] LOOP
    CONTINUE WHEN policy = 'tenant_guard_isolation' AND has_isolation
               OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = child AND p.polname = policy);
    action := 'drop policy';
    statement := format('DROP POLICY %I ON %s', policy, child);
    PERFORM tenant_guard.run_on_protected(child, statement);
    RETURN NEXT;
  END LOOP;
  IF NOT has_isolation THEN
    action := 'create isolation policy';
    statement := format('CREATE POLICY tenant_guard_isolation ON %s AS RESTRICTIVE FOR ALL TO PUBLIC '
                        'USING (%s) WITH CHECK (%s)', child, restricted_condition, restricted_condition);
    EXECUTE statement;
    RETURN NEXT;
  END IF;
  IF needs_access THEN
    action := 'create access policy';
    statement := format('CREATE POLICY tenant_guard_access ON %s AS PERMISSIVE FOR ALL TO PUBLIC '
                        'USING (%s) WITH CHECK (%s)', child, condition, condition);
    EXECUTE statement;
    RETURN NEXT;
  END IF;
  IF NOT class.relrowsecurity THEN
    action := 'enable row security';
    statement := format('ALTER TABLE ONLY %s ENABLE ROW LEVEL SECURITY', child);
    EXECUTE statement;
    RETURN NEXT;
  END IF;
  IF NOT class.relforcerowsecurity THEN
    action := 'force row security';
    statement := format('ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY', child);
    EXECUTE statement;
    RETURN NEXT;
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.derive_relation(regclass, regclass, name) IS
  'Does the work of protect_via() for one relation.';

-- While a relation is declared protected, its policies cannot be dropped, not even by us.
CREATE FUNCTION tenant_guard.run_on_protected(target regclass, statement text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
BEGIN
  DELETE FROM tenant_guard.relations r WHERE r.relation = target RETURNING * INTO declared;
  EXECUTE statement;
  INSERT INTO tenant_guard.relations VALUES (declared.*);
END
$$;
COMMENT ON FUNCTION tenant_guard.run_on_protected(regclass, text) IS
  'Runs a statement that the protection of a relation would refuse. For the functions of this extension.';

CREATE FUNCTION tenant_guard.derive_tree(root regclass, parent regclass, wanted_key name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  foreign_key name;
  member regclass;
BEGIN
  IF root IS NULL OR parent IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation and parent must not be null';
  END IF;
  PERFORM tenant_guard.check_derivation(root, parent);
  PERFORM tenant_guard.require_no_foreign_part(root);
  -- Run again without a name, it is the key of the declaration.
  SELECT coalesce(wanted_key, r.parent_constraint) INTO wanted_key
    FROM (VALUES (1)) AS one (n) LEFT JOIN tenant_guard.relations r ON r.relation = root;
  foreign_key := tenant_guard.key_to_parent(root, parent, wanted_key);
  PERFORM FROM tenant_guard.relations r WHERE r.relation = root AND r.parent_constraint <> foreign_key;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is already declared', root),
      DETAIL = format('It is protected through "%s" by another foreign key.', parent),
      HINT = format('Run SELECT tenant_guard.unprotect(%L) first.', root);
  END IF;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', root);
  PERFORM tenant_guard.require_current_declarations();
  FOR member IN SELECT tenant_guard.relation_tree(root) LOOP
    RETURN QUERY SELECT * FROM tenant_guard.derive_relation(
        member, parent, tenant_guard.key_to_parent(member, parent, foreign_key));
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.derive_tree(regclass, regclass, name) IS
  'Isolates a relation, its partitions and children through a parent.';

CREATE FUNCTION tenant_guard.protect_via(relation regclass, parent regclass, constraint_name name DEFAULT NULL)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.derive_tree($1, $2, $3)
$$;
COMMENT ON FUNCTION tenant_guard.protect_via(regclass, regclass, name) IS
  'Isolates a relation without a tenant column through its foreign key to a protected parent, itself perhaps '
  'protected through another, and returns the statements it ran. Rows that reference nothing are nobody''s. '
  'The application''s role needs SELECT on the columns of the parent that the foreign key references. '
  'SQLSTATE 42704 without such a foreign key, 22023 if there are several and none is named, 55000 if the parent '
  'is not protected.';

-- What a relation inherits its derivation from: a partition or child made later, from its parent.
CREATE FUNCTION tenant_guard.inherited_derivation(candidate regclass) RETURNS tenant_guard.relations
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  derived tenant_guard.relations;
BEGIN
  SELECT r.* INTO derived FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
   WHERE i.inhrelid = candidate AND r.status = 'derived' ORDER BY i.inhseqno LIMIT 1;
  RETURN derived;
END
$$;
COMMENT ON FUNCTION tenant_guard.inherited_derivation(regclass) IS
  'The declaration of the derived parent of a partition or child; NULL without one.';
