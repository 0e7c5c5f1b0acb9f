-- New tables with a tenant column are protected as they are made, from psql, an ORM or a migration
-- tool alike; and so is what becomes a part of a protected relation.

CREATE FUNCTION tenant_guard.can_be_protected(candidate regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
     AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'tenant_guard'::regnamespace)
    FROM pg_class c WHERE c.oid = $1
$$;
COMMENT ON FUNCTION tenant_guard.can_be_protected(regclass) IS
  'Whether it is a table on which row security is possible and that lasts.';

CREATE FUNCTION tenant_guard.has_tenant_column(candidate regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_attribute a
                  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attname = current_setting('tenant_guard.tenant_column'))
$$;
COMMENT ON FUNCTION tenant_guard.has_tenant_column(regclass) IS
  'Whether the relation has a column named as "tenant_guard.tenant_column" says.';

CREATE FUNCTION tenant_guard.inherited_tenant_column(candidate regclass) RETURNS name
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.tenant_column FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
   WHERE i.inhrelid = $1 AND r.status = 'protected' ORDER BY i.inhseqno LIMIT 1
$$;
COMMENT ON FUNCTION tenant_guard.inherited_tenant_column(regclass) IS
  'The column by which the protected parent of a partition or child is isolated; NULL without one.';

CREATE FUNCTION tenant_guard.protect_new_relations(brings_tenant_column boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed regclass;
  member regclass;
  declared tenant_guard.relations;
  inherited_column name;
BEGIN
  FOR changed IN
      SELECT DISTINCT d.objid::regclass FROM pg_event_trigger_ddl_commands() d
       WHERE d.classid = 'pg_class'::regclass AND NOT d.in_extension LOOP
    FOR member IN SELECT tenant_guard.relation_tree(changed) LOOP
      CONTINUE WHEN NOT tenant_guard.can_be_protected(member);
      SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = member;
      inherited_column := tenant_guard.inherited_tenant_column(member);
      IF inherited_column IS NOT NULL THEN
        -- Raises an error for what is declared otherwise: rows of the parent land in it.
        CONTINUE WHEN declared.tenant_column = inherited_column;
        PERFORM tenant_guard.protect_tree(member, inherited_column);
      ELSIF declared.status IS NULL AND brings_tenant_column AND tenant_guard.has_tenant_column(member) THEN
        PERFORM tenant_guard.protect_tree(member, NULL);
      END IF;
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_new_relations(boolean) IS
  'Protects what the running DDL made a part of a protected relation or, if it brings a tenant column, '
  'what has one. An ALTER TABLE about something else leaves a table as an administrator left it.';

CREATE FUNCTION tenant_guard.ddl_command_end() RETURNS event_trigger
  LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'tenant_guard_ddl_command_end';
COMMENT ON FUNCTION tenant_guard.ddl_command_end() IS
  'Event trigger: calls protect_new_relations() for DDL that makes tables or changes them.';

CREATE FUNCTION tenant_guard.forget_dropped_relations() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM tenant_guard.relations r
   WHERE r.relation::oid IN (SELECT d.objid FROM pg_event_trigger_dropped_objects() d
                              WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0);
END
$$;
COMMENT ON FUNCTION tenant_guard.forget_dropped_relations() IS
  'Event trigger: forgets the declarations of relations that were dropped.';

CREATE EVENT TRIGGER tenant_guard_protect_new_relations ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE SCHEMA')
  EXECUTE FUNCTION tenant_guard.ddl_command_end();
CREATE EVENT TRIGGER tenant_guard_forget_dropped_relations ON sql_drop
  EXECUTE FUNCTION tenant_guard.forget_dropped_relations();
