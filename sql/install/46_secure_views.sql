-- Secure views: for materialized views and foreign tables, on which row security is impossible.

CREATE TABLE tenant_guard.secure_views (
  relation       regclass PRIMARY KEY,
  view           regclass NOT NULL,
  tenant_column  name NOT NULL
);
COMMENT ON TABLE tenant_guard.secure_views IS
  'Relations without row security, and the view by secure_view() through which they are read.';
REVOKE ALL ON tenant_guard.secure_views FROM PUBLIC;

CREATE TRIGGER declaration_changed AFTER INSERT OR UPDATE OR DELETE ON tenant_guard.secure_views
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.declaration_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.secure_views
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
ALTER TABLE tenant_guard.secure_views ENABLE ALWAYS TRIGGER declaration_changed;
ALTER TABLE tenant_guard.secure_views ENABLE ALWAYS TRIGGER table_changed;
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.secure_views', '');

CREATE FUNCTION tenant_guard.secure_view_of(relation regclass) RETURNS regclass
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_secure_view_of';
COMMENT ON FUNCTION tenant_guard.secure_view_of(regclass) IS
  'The secure view of a relation if it is as secure_view() made it, and so trusted; NULL otherwise.';

CREATE FUNCTION tenant_guard.check_secure_view(root regclass) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  class pg_class;
BEGIN
  IF root IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation must not be null';
  END IF;
  SELECT * INTO STRICT class FROM pg_class c WHERE c.oid = root;
  IF class.relkind NOT IN ('m', 'f') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = format('relation "%s" cannot have a secure view', root),
      DETAIL = format('It is a %s; secure views are for materialized views and foreign tables.',
                      tenant_guard.relation_kind(class.relkind)),
      HINT = format('Run SELECT tenant_guard.protect(%L), or protect the tables that it reads.', root);
  END IF;
  PERFORM FROM tenant_guard.relations r WHERE r.relation = root;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is declared shared', root),
      DETAIL = 'Every tenant may read all of it.',
      HINT = format('Run SELECT tenant_guard.undeclare_shared(%L) first.', root);
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.check_secure_view(regclass) IS
  'Checks that a relation can have a secure view; SQLSTATE 22004, 42809 or 55000 if not.';

-- The schema and the name that the view gets: as asked for, in the relation's schema unless that is named.
CREATE FUNCTION tenant_guard.secure_view_name(root regclass, wanted text, OUT view_schema name, OUT view_name name)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parts text[] := parse_ident(wanted);
BEGIN
  SELECT n.nspname, (c.relname || '_secure')::name INTO view_schema, view_name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = root;
  IF cardinality(parts) > 2 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('invalid view name "%s"', wanted),
      HINT = 'Give a name, or a schema and a name: ''schema.name''.';
  END IF;
  IF parts IS NOT NULL THEN
    view_name := parts[cardinality(parts)];
    view_schema := coalesce(parts[cardinality(parts) - 1], view_schema);
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.secure_view_name(regclass, text) IS
  'Schema and name of the secure view of a relation; SQLSTATE 22023 if it cannot be a name.';

-- What is missing for the secure view, in the order in which to run it; nothing if it is there and intact.
CREATE FUNCTION tenant_guard.secure_view_steps(root regclass, wanted text, wanted_column name)
  RETURNS TABLE (action text, statement text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.secure_views;
  tenant_column pg_attribute;
  named record;
  made text;
  there regclass;
  owner regrole;
BEGIN
  SELECT * INTO declared FROM tenant_guard.secure_views s WHERE s.relation = root;
  tenant_column := tenant_guard.tenant_column_of(
      root, coalesce(wanted_column, declared.tenant_column, current_setting('tenant_guard.tenant_column', true)::name));
  SELECT * INTO named FROM tenant_guard.secure_view_name(root, wanted);
  made := CASE WHEN declared.view IS NOT NULL AND wanted IS NULL THEN declared.view::text
               ELSE format('%I.%I', named.view_schema, named.view_name) END;
  there := to_regclass(made);
  IF there IS NOT NULL AND there IS DISTINCT FROM declared.view THEN
    RAISE EXCEPTION USING
      ERRCODE = 'duplicate_table',
      MESSAGE = format('relation "%s" already exists', there),
      DETAIL = format('The secure view of "%s" would have its name.', root),
      HINT = format('Name another: SELECT * FROM tenant_guard.secure_view(%L, ''name'').', root);
  END IF;
  IF declared.view IS NOT NULL AND (there IS NULL OR declared.tenant_column <> tenant_column.attname) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" has a secure view', root),
      DETAIL = format('It is "%s", by column "%s".', declared.view, declared.tenant_column),
      HINT = format('Run DROP VIEW %s first.', declared.view);
  END IF;
  IF declared.view IS NOT NULL AND tenant_guard.secure_view_of(root) IS NOT NULL THEN
    RETURN;
  END IF;

  action := 'create secure view';
  statement := format(
      'CREATE OR REPLACE VIEW %s WITH (security_barrier) AS SELECT %s FROM %s WHERE %s', made,
      (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = root AND a.attnum > 0 AND NOT a.attisdropped),
      root, tenant_guard.with_restrictions(root, tenant_guard.isolation_condition(tenant_column)));
  RETURN NEXT;
  owner := (SELECT c.relowner FROM pg_class c WHERE c.oid = root);
  action := 'set owner';
  statement := format('ALTER VIEW %s OWNER TO %s', made, owner);
  RETURN NEXT;
  IF declared.view IS NOT NULL THEN
    RETURN;
  END IF;
  action := 'register';
  statement := format('INSERT INTO tenant_guard.secure_views VALUES (%L::regclass, %L::regclass, %L)', root, made,
                      tenant_column.attname);
  RETURN NEXT;
  -- Who may read the relation may read the view.
  action := 'grant';
  FOR statement IN
      SELECT format('GRANT SELECT ON %s TO %s', made, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM pg_class c, aclexplode(c.relacl) a
       WHERE c.oid = root AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner ORDER BY 1 LOOP
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.secure_view_steps(regclass, text, name) IS
  'The statements that are missing for the secure view of a relation; SQLSTATE 42703, 42804, 42P07 or 55000 if it cannot be made.';

CREATE FUNCTION tenant_guard.make_secure_view(root regclass, wanted text, wanted_column name)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM tenant_guard.check_secure_view(root);
  step_relation := root;
  FOR action, statement IN SELECT * FROM tenant_guard.secure_view_steps(root, wanted, wanted_column) LOOP
    EXECUTE statement;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION tenant_guard.make_secure_view(regclass, text, name) IS 'Does the work of secure_view().';

CREATE FUNCTION tenant_guard.secure_view(relation regclass, view_name text DEFAULT NULL, tenant_column name DEFAULT NULL)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.make_secure_view($1, $2, $3)
$$;
COMMENT ON FUNCTION tenant_guard.secure_view(regclass, text, name) IS
  'For a materialized view or foreign table with a tenant column: makes a security-barrier view that shows the rows of the '
  'tenant, named relation_secure unless a name is given, and returns the statements it ran. Roles that may read the '
  'relation may read the view. Guarded transactions read the relation through it and are refused it otherwise. DROP VIEW '
  'takes it back. SQLSTATE 42809 for another kind of relation, 42703 or 42804 without a tenant column, 42P07 if the name '
  'is taken, 55000 if the relation is shared or has another secure view.';
