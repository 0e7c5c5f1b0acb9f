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

CREATE FUNCTION tenant_guard.protect_new_relations(brings_tenant_column boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  member regclass;
  declared tenant_guard.relations;
  inherited_column name;
  derivation tenant_guard.relations;
BEGIN
  FOR member IN SELECT DISTINCT tenant_guard.relations_of_ddl() LOOP
    CONTINUE WHEN NOT tenant_guard.can_be_protected(member);
    SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = member;
    inherited_column := tenant_guard.inherited_tenant_column(member);
    derivation := tenant_guard.inherited_derivation(member);
    IF inherited_column IS NOT NULL THEN
      -- Raises an error for what is declared otherwise: rows of the parent land in it.
      CONTINUE WHEN NOT tenant_guard.inherit_restrictions(member) AND declared.tenant_column = inherited_column;
      PERFORM tenant_guard.run_protection_steps(member, inherited_column);
    ELSIF derivation.parent IS NOT NULL THEN
      CONTINUE WHEN NOT tenant_guard.inherit_restrictions(member) AND declared.parent = derivation.parent;
      PERFORM tenant_guard.derive_tree(member, derivation.parent, derivation.parent_constraint);
    ELSIF declared.status IS NULL AND brings_tenant_column AND tenant_guard.has_tenant_column(member) THEN
      PERFORM tenant_guard.run_protection_steps(member, NULL);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_new_relations(boolean) IS
  'Protects what the running DDL made a part of a protected relation or, if it brings a tenant column, '
  'what has one. An ALTER TABLE about something else leaves a table as an administrator left it.';

-- The planner guesses a thousand rows where a function returns one: compiling such a plan takes longer than all else.
CREATE FUNCTION tenant_guard.ddl_command_end() RETURNS event_trigger
  LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
  AS 'MODULE_PATHNAME', 'tenant_guard_ddl_command_end';
COMMENT ON FUNCTION tenant_guard.ddl_command_end() IS
  'Event trigger: calls protect_new_relations() for DDL that makes tables or brings a tenant column, and '
  'require_tenant_columns() where columns change their names.';

-- What CASCADE takes along is not named by any statement: a domain goes with the columns of its type, a type's
-- attribute with the columns of the tables made of it, and both with the policies.
CREATE FUNCTION tenant_guard.forget_dropped_relations() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  lost record;
BEGIN
  DELETE FROM tenant_guard.relations r
   WHERE r.relation::oid IN (SELECT d.objid FROM pg_event_trigger_dropped_objects() d
                              WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0);
  -- A secure view that goes takes the restrictions in it along: its relation is refused from then on.
  WITH gone AS (SELECT d.objid FROM pg_event_trigger_dropped_objects() d
                 WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0),
       secured AS (DELETE FROM tenant_guard.secure_views s
                    WHERE s.view::oid IN (SELECT objid FROM gone) OR s.relation::oid IN (SELECT objid FROM gone)
                   RETURNING s.relation)
  DELETE FROM tenant_guard.attribute_restrictions r
   WHERE r.relation::oid IN (SELECT objid FROM gone) OR r.relation IN (SELECT relation FROM secured);
  FOR lost IN
      SELECT r.relation, format('Dropping column "%s"', r.tenant_column) AS what
        FROM pg_event_trigger_dropped_objects() d
        JOIN tenant_guard.relations r ON r.relation = d.objid AND r.status = 'protected'
       WHERE d.classid = 'pg_class'::regclass AND d.objsubid > 0 AND d.address_names[3] = r.tenant_column
      UNION ALL
      SELECT r.relation, format('Dropping policy "%s"', d.address_names[3])
        FROM pg_event_trigger_dropped_objects() d
        JOIN tenant_guard.relations r
          ON r.relation = to_regclass(format('%I.%I', d.address_names[1], d.address_names[2])) AND r.status IN ('protected', 'derived')
       WHERE d.classid = 'pg_policy'::regclass
         AND d.address_names[3] IN ('tenant_guard_isolation', 'tenant_guard_access') LOOP
    PERFORM tenant_guard.refuse_lost_isolation(lost.relation, lost.what);
  END LOOP;
  -- Whoever makes a function of that name again has to be vouched for again.
  DELETE FROM tenant_guard.vouchers v
   WHERE v.function IN (SELECT d.object_identity FROM pg_event_trigger_dropped_objects() d WHERE d.classid = 'pg_proc'::regclass);
END
$$;
COMMENT ON FUNCTION tenant_guard.forget_dropped_relations() IS
  'Event trigger: forgets the declarations of relations that were dropped, and refuses to drop the tenant '
  'column or the policies of those that remain (SQLSTATE 42501).';

CREATE EVENT TRIGGER tenant_guard_protect_new_relations ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'ALTER TYPE', 'CREATE SCHEMA')
  EXECUTE FUNCTION tenant_guard.ddl_command_end();
CREATE EVENT TRIGGER tenant_guard_forget_dropped_relations ON sql_drop
  EXECUTE FUNCTION tenant_guard.forget_dropped_relations();
-- Also under session_replication_role = replica, in which tools that copy DDL run it.
ALTER EVENT TRIGGER tenant_guard_protect_new_relations ENABLE ALWAYS;
ALTER EVENT TRIGGER tenant_guard_forget_dropped_relations ENABLE ALWAYS;
