-- New tables with a tenant column are protected as they are made, from psql, an ORM or a migration
-- tool alike; and so is what becomes a part of a protected relation.

CREATE FUNCTION tenant_guard.needs_protection(candidate regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
     AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'tenant_guard'::regnamespace)
     AND NOT EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = c.oid)
     AND (EXISTS (SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                     AND a.attname = current_setting('tenant_guard.tenant_column'))
          OR EXISTS (SELECT FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
                      WHERE i.inhrelid = c.oid AND r.status = 'protected'))
    FROM pg_class c WHERE c.oid = $1
$$;
COMMENT ON FUNCTION tenant_guard.needs_protection(regclass) IS
  'Whether a table has a tenant column or a protected parent and is not declared yet.';

-- The column by which the nearest protected parent is isolated, or the usual one.
CREATE FUNCTION tenant_guard.inherited_tenant_column(candidate regclass) RETURNS name
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT r.tenant_column FROM pg_inherits i
                     JOIN tenant_guard.relations r ON r.relation = i.inhparent
                    WHERE i.inhrelid = $1 AND r.status = 'protected' ORDER BY i.inhseqno LIMIT 1),
                  current_setting('tenant_guard.tenant_column')::name)
$$;
COMMENT ON FUNCTION tenant_guard.inherited_tenant_column(regclass) IS
  'The tenant column of a table''s protected parent, or "tenant_guard.tenant_column".';

CREATE FUNCTION tenant_guard.protect_new_relations() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed regclass;
  member regclass;
BEGIN
  -- Raises the error that names the setting where the library is not preloaded.
  PERFORM tenant_guard.tenant_id();
  IF NOT current_setting('tenant_guard.auto_protect')::boolean THEN
    RETURN;
  END IF;
  FOR changed IN
      SELECT DISTINCT d.objid::regclass FROM pg_event_trigger_ddl_commands() d
       WHERE d.classid = 'pg_class'::regclass AND NOT d.in_extension LOOP
    FOR member IN SELECT tenant_guard.relation_tree(changed) LOOP
      CONTINUE WHEN NOT tenant_guard.needs_protection(member);
      PERFORM tenant_guard.protect_tree(member, tenant_guard.inherited_tenant_column(member));
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.protect_new_relations() IS
  'Event trigger: protects tables with a tenant column, and parts of protected relations.';

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
  WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
  EXECUTE FUNCTION tenant_guard.protect_new_relations();
CREATE EVENT TRIGGER tenant_guard_forget_dropped_relations ON sql_drop
  EXECUTE FUNCTION tenant_guard.forget_dropped_relations();
