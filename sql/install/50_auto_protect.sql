-- New tables with a tenant column are protected as they are made, from psql, an ORM or a migration
-- tool alike; and so is what becomes a part of a protected relation.

-- What runs at each DDL is PL/pgSQL, which keeps its plans; a function in SQL is planned anew at each call.
CREATE FUNCTION tenant_guard.can_be_protected(candidate regclass) RETURNS boolean
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
             AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'tenant_guard'::regnamespace)
            FROM pg_class c WHERE c.oid = candidate);
END
$$;
COMMENT ON FUNCTION tenant_guard.can_be_protected(regclass) IS
  'Whether it is a table on which row security is possible and that lasts.';

CREATE FUNCTION tenant_guard.has_tenant_column(candidate regclass) RETURNS boolean
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM pg_attribute a
                  WHERE a.attrelid = candidate AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attname = current_setting('tenant_guard.tenant_column'));
END
$$;
COMMENT ON FUNCTION tenant_guard.has_tenant_column(regclass) IS
  'Whether the relation has a column named as "tenant_guard.tenant_column" says.';

CREATE FUNCTION tenant_guard.inherited_tenant_column(candidate regclass) RETURNS name
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT r.tenant_column FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
           WHERE i.inhrelid = candidate AND r.status = 'protected' ORDER BY i.inhseqno LIMIT 1);
END
$$;
COMMENT ON FUNCTION tenant_guard.inherited_tenant_column(regclass) IS
  'The column by which the protected parent of a partition or child is isolated; NULL without one.';

-- The tables that the running DDL may have changed: what it names, what is below that, and for a composite type the
-- tables that are made of it, which change with it (ALTER TYPE ... CASCADE).
CREATE FUNCTION tenant_guard.relations_of_ddl() RETURNS SETOF regclass
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  named record;
BEGIN
  FOR named IN
      SELECT DISTINCT c.oid, c.relkind, c.reltype
        FROM pg_event_trigger_ddl_commands() d JOIN pg_class c ON c.oid = d.objid
       WHERE d.classid = 'pg_class'::regclass AND NOT d.in_extension AND c.relkind IN ('r', 'p', 'f', 'c') LOOP
    IF named.relkind = 'c' THEN
      RETURN QUERY SELECT tenant_guard.relation_tree(typed.oid) FROM pg_class typed WHERE typed.reloftype = named.reltype;
    ELSE
      RETURN QUERY SELECT tenant_guard.relation_tree(named.oid);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.relations_of_ddl() IS
  'The tables that the running DDL made or may have changed, and those below them.';

CREATE FUNCTION tenant_guard.refuse_lost_isolation(protected_relation regclass, what text) RETURNS void
  LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'tenant_guard_refuse_lost_isolation';
COMMENT ON FUNCTION tenant_guard.refuse_lost_isolation(regclass, text) IS
  'Raises SQLSTATE 42501: the statement would take the isolation of a protected relation away.';

-- The shield refuses DDL that names a protected relation. A column can also be renamed from above it: by the parent, or
-- by the type that the table is made of.
CREATE FUNCTION tenant_guard.require_tenant_columns() RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed regclass;
  column_name name;
BEGIN
  FOR changed IN SELECT DISTINCT tenant_guard.relations_of_ddl() LOOP
    SELECT r.tenant_column INTO column_name FROM tenant_guard.relations r
     WHERE r.relation = changed AND r.status = 'protected'
       AND NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = r.relation AND a.attname = r.tenant_column AND NOT a.attisdropped);
    IF NOT FOUND THEN
      SELECT r.column_name INTO column_name FROM tenant_guard.attribute_restrictions r
       WHERE r.relation = changed
         AND NOT EXISTS (SELECT FROM pg_attribute a
                          WHERE a.attrelid = r.relation AND a.attname = r.column_name AND NOT a.attisdropped);
    END IF;
    IF FOUND THEN
      PERFORM tenant_guard.refuse_lost_isolation(changed, format('Renaming or dropping column "%s"', column_name));
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.require_tenant_columns() IS
  'Refuses the running DDL if a protected relation lost its tenant column or a restricted one by it (SQLSTATE 42501).';

CREATE FUNCTION tenant_guard.is_locked(relation regclass) RETURNS boolean
  LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'tenant_guard_is_locked';
COMMENT ON FUNCTION tenant_guard.is_locked(regclass) IS 'Whether this transaction holds ACCESS EXCLUSIVE on the relation.';

-- INHERIT locks the child, and not what is below it: to protect that, its owner has to have it locked already. Whoever waits
-- for such a lock makes others wait, so it is not taken behind the back of who wrote the statement.
CREATE FUNCTION tenant_guard.require_locked(joining regclass, tenant_column name) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  unlocked regclass[] := ARRAY(SELECT t FROM tenant_guard.relation_tree(joining) t WHERE NOT tenant_guard.is_locked(t));
  changed regclass;
BEGIN
  IF unlocked = '{}' THEN
    RETURN;
  END IF;
  changed := unlocked[1];
  IF tenant_column IS NOT NULL THEN
    SELECT s.step_relation INTO changed FROM tenant_guard.tree_steps(joining, tenant_column) s
     WHERE s.step_relation = ANY (unlocked) LIMIT 1;
  END IF;
  IF changed IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" would become a part of a protected relation without being locked', changed),
      DETAIL = format('It is below "%s". To protect it takes ACCESS EXCLUSIVE on it, which the statement does not take.', joining),
      HINT = format('Run LOCK TABLE %s IN ACCESS EXCLUSIVE MODE before it, in the same transaction.', joining);
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.require_locked(regclass, name) IS
  'Refuses (SQLSTATE 55000) what becomes a part of a protected relation, if something below it would have to be changed '
  'that this transaction has not locked. Without a column everything below has to be locked.';

CREATE FUNCTION tenant_guard.protect_new_relation(candidate regclass, brings_tenant_column boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
  inherited_column name;
  derivation tenant_guard.relations;
  parent regclass;
BEGIN
  -- Whatever is protected automatically and whatever not: a hole in what is.
  IF (SELECT c.relkind FROM pg_class c WHERE c.oid = candidate) = 'f' THEN
    SELECT i.inhparent INTO parent FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
     WHERE i.inhrelid = candidate AND r.status IN ('protected', 'derived') LIMIT 1;
    IF FOUND THEN
      PERFORM tenant_guard.refuse_foreign_part(candidate, parent);
    END IF;
  END IF;
  IF NOT current_setting('tenant_guard.auto_protect')::boolean OR NOT tenant_guard.can_be_protected(candidate) THEN
    RETURN;
  END IF;
  SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = candidate;
  inherited_column := tenant_guard.inherited_tenant_column(candidate);
  derivation := tenant_guard.inherited_derivation(candidate);
  IF inherited_column IS NOT NULL THEN
    -- Raises an error for what is declared otherwise: rows of the parent land in it.
    IF tenant_guard.inherit_restrictions(candidate) OR declared.tenant_column IS DISTINCT FROM inherited_column THEN
      PERFORM tenant_guard.require_locked(candidate, inherited_column);
      PERFORM tenant_guard.run_protection_steps(candidate, inherited_column);
    END IF;
  ELSIF derivation.parent IS NOT NULL THEN
    IF tenant_guard.inherit_restrictions(candidate) OR declared.parent IS DISTINCT FROM derivation.parent THEN
      PERFORM tenant_guard.require_locked(candidate, NULL);
      PERFORM tenant_guard.derive_tree(candidate, derivation.parent, derivation.parent_constraint);
    END IF;
  ELSIF declared.status IS NULL AND brings_tenant_column AND tenant_guard.has_tenant_column(candidate) THEN
    PERFORM tenant_guard.run_protection_steps(candidate, NULL);
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_new_relation(regclass, boolean) IS
  'Protects a table that the running DDL made a part of a protected relation or, if the DDL brings a tenant column, '
  'that has one. An ALTER TABLE about something else leaves a table as an administrator left it. SQLSTATE 42809 for a foreign '
  'table that became a part of a protected relation.';

CREATE FUNCTION tenant_guard.protect_new_relations(brings_tenant_column boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  candidate regclass;
BEGIN
  FOR candidate IN SELECT DISTINCT tenant_guard.relations_of_ddl() LOOP
    PERFORM tenant_guard.protect_new_relation(candidate, brings_tenant_column);
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_new_relations(boolean) IS
  'Calls protect_new_relation() for what the running DDL names, and what is below that.';

-- The running DDL is about the parent, whose other partitions, a thousand perhaps, are as they were.
CREATE FUNCTION tenant_guard.protect_attached(partition_name name) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  candidate regclass;
BEGIN
  FOR candidate IN
      SELECT tenant_guard.relation_tree(c.oid)
        FROM pg_event_trigger_ddl_commands() d
        JOIN pg_inherits i ON i.inhparent = d.objid
        JOIN pg_class c ON c.oid = i.inhrelid AND c.relname = partition_name
       WHERE d.classid = 'pg_class'::regclass LOOP
    PERFORM tenant_guard.protect_new_relation(candidate, false);
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_attached(name) IS
  'Calls protect_new_relation() for a partition that the running DDL attached, and what is below it.';

-- The planner guesses a thousand rows where a function returns one: compiling such a plan takes longer than all else.
CREATE FUNCTION tenant_guard.ddl_command_end() RETURNS event_trigger
  LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
  AS 'MODULE_PATHNAME', 'tenant_guard_ddl_command_end';
COMMENT ON FUNCTION tenant_guard.ddl_command_end() IS
  'Event trigger: calls protect_new_relations() for DDL that makes tables or brings a tenant column, and '
  'require_tenant_columns() where columns change their names.';

-- What CASCADE takes along is not named by any statement: a domain goes with the columns of its type, a type's
-- attribute with the columns of the tables made of it, and both with the policies. Most drops concern nothing of that, so
-- the list is read once, and our tables only for what it names: whatever deletes from them, be it no row at all, makes every
-- session look again, and each statement about them is planned anew.
CREATE FUNCTION tenant_guard.forget_dropped_relations() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  gone oid[];
  functions text[];
  lost_columns boolean;
  lost_policies boolean;
  lost_keys boolean;
  lost record;
BEGIN
  PERFORM tenant_guard.require_current_declarations();
  SELECT array_agg(d.objid) FILTER (WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0),
         array_agg(d.object_identity) FILTER (WHERE d.classid = 'pg_proc'::regclass),
         bool_or(d.classid = 'pg_class'::regclass AND d.objsubid > 0),
         bool_or(d.classid = 'pg_policy'::regclass AND d.address_names[3] IN ('tenant_guard_isolation', 'tenant_guard_access')),
         bool_or(d.object_type = 'table constraint')
    INTO gone, functions, lost_columns, lost_policies, lost_keys
    FROM pg_event_trigger_dropped_objects() d;
  IF EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = ANY (gone)) THEN
    DELETE FROM tenant_guard.relations r WHERE r.relation = ANY (gone);
  END IF;
  -- A secure view that goes takes the restrictions in it along: its relation is refused from then on.
  IF EXISTS (SELECT FROM tenant_guard.secure_views s WHERE s.view = ANY (gone) OR s.relation = ANY (gone)) THEN
    WITH secured AS (DELETE FROM tenant_guard.secure_views s WHERE s.view = ANY (gone) OR s.relation = ANY (gone)
                     RETURNING s.relation)
    DELETE FROM tenant_guard.attribute_restrictions r WHERE r.relation IN (SELECT relation FROM secured);
  END IF;
  IF EXISTS (SELECT FROM tenant_guard.attribute_restrictions r WHERE r.relation = ANY (gone)) THEN
    DELETE FROM tenant_guard.attribute_restrictions r WHERE r.relation = ANY (gone);
  END IF;
  IF lost_columns THEN
    FOR lost IN
        SELECT r.relation, r.tenant_column
          FROM pg_event_trigger_dropped_objects() d
          JOIN tenant_guard.relations r ON r.relation = d.objid AND r.status = 'protected'
         WHERE d.classid = 'pg_class'::regclass AND d.objsubid > 0 AND d.address_names[3] = r.tenant_column LOOP
      PERFORM tenant_guard.refuse_lost_isolation(lost.relation, format('Dropping column "%s"', lost.tenant_column));
    END LOOP;
  END IF;
  -- The policies of a relation that is dropped go with it: no relation has its name any more.
  IF lost_policies THEN
    FOR lost IN
        SELECT to_regclass(format('%I.%I', d.address_names[1], d.address_names[2])) AS relation, d.address_names[3] AS policy
          FROM pg_event_trigger_dropped_objects() d
         WHERE d.classid = 'pg_policy'::regclass AND d.address_names[3] IN ('tenant_guard_isolation', 'tenant_guard_access') LOOP
      CONTINUE WHEN lost.relation IS NULL;
      IF EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = lost.relation AND r.status IN ('protected', 'derived')) THEN
        PERFORM tenant_guard.refuse_lost_isolation(lost.relation, format('Dropping policy "%s"', lost.policy));
      END IF;
    END LOOP;
  END IF;
  -- A foreign key goes with the key of the parent that it references.
  IF lost_keys AND EXISTS (SELECT FROM tenant_guard.relations r WHERE r.parent IS NOT NULL) THEN
    FOR lost IN
        SELECT r.relation, r.parent_constraint
          FROM pg_event_trigger_dropped_objects() d
          JOIN tenant_guard.relations r
            ON r.relation = to_regclass(format('%I.%I', d.address_names[1], d.address_names[2])) AND r.parent_constraint = d.address_names[3]
         WHERE d.object_type = 'table constraint' LOOP
      PERFORM tenant_guard.refuse_lost_isolation(lost.relation, format('Dropping foreign key "%s"', lost.parent_constraint));
    END LOOP;
  END IF;
  -- Whoever makes a function of that name again has to be vouched for again.
  IF functions IS NOT NULL AND EXISTS (SELECT FROM tenant_guard.vouchers v WHERE v.function = ANY (functions)) THEN
    DELETE FROM tenant_guard.vouchers v WHERE v.function = ANY (functions);
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.forget_dropped_relations() IS
  'Event trigger: forgets the declarations of relations that were dropped, and refuses to drop the tenant '
  'column, the policies or the foreign key to the parent of those that remain (SQLSTATE 42501).';

CREATE EVENT TRIGGER tenant_guard_protect_new_relations ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'ALTER TYPE', 'CREATE SCHEMA',
               'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE')
  EXECUTE FUNCTION tenant_guard.ddl_command_end();
CREATE EVENT TRIGGER tenant_guard_forget_dropped_relations ON sql_drop
  EXECUTE FUNCTION tenant_guard.forget_dropped_relations();
-- Also under session_replication_role = replica, in which tools that copy DDL run it.
ALTER EVENT TRIGGER tenant_guard_protect_new_relations ENABLE ALWAYS;
ALTER EVENT TRIGGER tenant_guard_forget_dropped_relations ENABLE ALWAYS;
