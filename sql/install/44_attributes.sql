-- Restrictions by user attribute: beside the tenant, a column must have one of the values that the token allows.

CREATE TABLE tenant_guard.attribute_restrictions (
  relation     regclass NOT NULL,
  column_name  name NOT NULL,
  attribute    text COLLATE "C" NOT NULL CHECK (attribute <> ''),
  PRIMARY KEY (relation, column_name, attribute)
);
COMMENT ON TABLE tenant_guard.attribute_restrictions IS
  'Columns that must have a value of a user attribute, by restrict_by_attribute().';
REVOKE ALL ON tenant_guard.attribute_restrictions FROM PUBLIC;

CREATE TRIGGER declaration_changed AFTER INSERT OR UPDATE OR DELETE ON tenant_guard.attribute_restrictions
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.declaration_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.attribute_restrictions
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
ALTER TABLE tenant_guard.attribute_restrictions ENABLE ALWAYS TRIGGER declaration_changed;
ALTER TABLE tenant_guard.attribute_restrictions ENABLE ALWAYS TRIGGER table_changed;
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.attribute_restrictions', '');

-- A dump brings what a partition inherited as it was made again.
CREATE FUNCTION tenant_guard.merge_restriction() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM tenant_guard.attribute_restrictions r
              WHERE r.relation = NEW.relation AND r.column_name = NEW.column_name AND r.attribute = NEW.attribute) THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION tenant_guard.merge_restriction() IS 'Trigger: a restriction that is declared already is not declared again.';
CREATE TRIGGER merge_restriction BEFORE INSERT ON tenant_guard.attribute_restrictions
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.merge_restriction();

-- The values as arrays, so that one condition serves a claim that is an array and one that is not, and an index too.
CREATE FUNCTION tenant_guard.attribute_texts(attribute text) RETURNS text[]
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_attribute_texts';
COMMENT ON FUNCTION tenant_guard.attribute_texts(text) IS
  'The values of a user attribute as text: its elements if it is an array. NULL if absent or without a context, SQLSTATE '
  '22P02 if one is an array or object.';
CREATE FUNCTION tenant_guard.attribute_bigints(attribute text) RETURNS bigint[]
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_attribute_bigints';
COMMENT ON FUNCTION tenant_guard.attribute_bigints(text) IS
  'The values of a user attribute as bigint. NULL if absent or without a context, SQLSTATE 22P02 if one is none.';
CREATE FUNCTION tenant_guard.attribute_numerics(attribute text) RETURNS numeric[]
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_attribute_numerics';
COMMENT ON FUNCTION tenant_guard.attribute_numerics(text) IS
  'The values of a user attribute as numeric. NULL if absent or without a context, SQLSTATE 22P02 if one is none.';
CREATE FUNCTION tenant_guard.attribute_booleans(attribute text) RETURNS boolean[]
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_attribute_booleans';
COMMENT ON FUNCTION tenant_guard.attribute_booleans(text) IS
  'The values of a user attribute as boolean. NULL if absent or without a context, SQLSTATE 22P02 if one is none.';
CREATE FUNCTION tenant_guard.attribute_uuids(attribute text) RETURNS uuid[]
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tenant_guard_attribute_uuids';
COMMENT ON FUNCTION tenant_guard.attribute_uuids(text) IS
  'The values of a user attribute as uuid. NULL if absent or without a context, SQLSTATE 22P02 if one is none.';

CREATE FUNCTION tenant_guard.can_be_restricted(column_type oid) RETURNS boolean
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_can_be_restricted';
COMMENT ON FUNCTION tenant_guard.can_be_restricted(oid) IS 'Whether columns of this type can be compared with an attribute.';
CREATE FUNCTION tenant_guard.with_restrictions(relation regclass, condition text) RETURNS text
  LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'tenant_guard_with_restrictions';
COMMENT ON FUNCTION tenant_guard.with_restrictions(regclass, text) IS
  'The condition AND those of the relation''s restrictions; SQLSTATE 55000 if a restricted column is gone.';

CREATE FUNCTION tenant_guard.check_restricted_column(target regclass, wanted name) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  restricted pg_attribute;
BEGIN
  SELECT * INTO restricted FROM pg_attribute a
   WHERE a.attrelid = target AND a.attname = wanted AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'undefined_column',
      MESSAGE = format('column "%s" of relation "%s" does not exist', wanted, target),
      DETAIL = 'It would be compared with an attribute of the token.',
      HINT = 'Name a column of the relation: SELECT tenant_guard.restrict_by_attribute(relation, ''column'', ''attribute'').';
  END IF;
  IF NOT tenant_guard.can_be_restricted(restricted.atttypid) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'datatype_mismatch',
      MESSAGE = format('column "%s" of relation "%s" cannot be restricted by an attribute', wanted, target),
      DETAIL = format('Its type is %s.', format_type(restricted.atttypid, restricted.atttypmod)),
      HINT = 'Use a column of type text, varchar, char, smallint, integer, bigint, numeric, boolean or uuid.';
  END IF;
  IF EXISTS (SELECT FROM pg_collation c WHERE c.oid = restricted.attcollation AND NOT c.collisdeterministic) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'datatype_mismatch',
      MESSAGE = format('column "%s" of relation "%s" cannot be restricted by an attribute', wanted, target),
      DETAIL = 'Its collation is nondeterministic: different values would be equal.',
      HINT = 'Use a deterministic collation for the column.';
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.check_restricted_column(regclass, name) IS
  'Checks that a column can be compared with an attribute; SQLSTATE 42703 or 42804 if not.';

-- Rows of a parent are read with the parent's policies alone: a restriction of a child would be none.
CREATE FUNCTION tenant_guard.restrictable(root regclass) RETURNS tenant_guard.relations
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
BEGIN
  SELECT * INTO declared FROM tenant_guard.relations r WHERE r.relation = root AND r.status IN ('protected', 'derived');
  IF NOT FOUND THEN
    SELECT s.relation, 'secured' INTO declared.relation, declared.status FROM tenant_guard.secure_views s WHERE s.relation = root;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" is not protected', root),
      DETAIL = 'A restriction is a part of the isolation.',
      HINT = format('Run SELECT tenant_guard.protect(%L) first.', root);
  END IF;
  PERFORM FROM pg_inherits i JOIN tenant_guard.relations r ON r.relation = i.inhparent
    WHERE i.inhrelid = root AND r.status IN ('protected', 'derived');
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('relation "%s" belongs to a protected parent', root),
      DETAIL = 'Its rows can be read through the parent, whose restrictions count then.',
      HINT = 'Restrict the parent.';
  END IF;
  RETURN declared;
END
$$;
COMMENT ON FUNCTION tenant_guard.restrictable(regclass) IS
  'The declaration of a relation that can be restricted, with status secured if it is read through a secure view; '
  'SQLSTATE 55000 if it cannot.';

-- The isolation policy, or the secure view, follows from what is declared: made again if it says something else.
CREATE FUNCTION tenant_guard.isolate_anew(root regclass)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations := tenant_guard.restrictable(root);
BEGIN
  CASE declared.status
    WHEN 'protected' THEN
      RETURN QUERY SELECT * FROM tenant_guard.protect_tree(declared.relation, declared.tenant_column);
    WHEN 'derived' THEN
      RETURN QUERY SELECT * FROM tenant_guard.derive_tree(declared.relation, declared.parent, declared.parent_constraint);
    WHEN 'secured' THEN
      RETURN QUERY SELECT * FROM tenant_guard.make_secure_view(declared.relation, NULL, NULL);
  END CASE;
END
$$;
COMMENT ON FUNCTION tenant_guard.isolate_anew(regclass) IS
  'Runs what is missing for the isolation of a declared relation, its partitions and children.';

CREATE FUNCTION tenant_guard.restrict_tree(root regclass, wanted name, attribute text)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
  unrestricted regclass[];
BEGIN
  IF root IS NULL OR wanted IS NULL OR coalesce(attribute, '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'a restriction needs a relation, a column and an attribute',
      HINT = 'Name all three: SELECT tenant_guard.restrict_by_attribute(relation, ''column'', ''attribute'').';
  END IF;
  declared := tenant_guard.restrictable(root);
  PERFORM tenant_guard.check_restricted_column(root, wanted);
  unrestricted := ARRAY(
    SELECT t.relation FROM tenant_guard.relation_tree(root) WITH ORDINALITY AS t (relation, place)
     WHERE NOT EXISTS (SELECT FROM tenant_guard.attribute_restrictions r
                        WHERE r.relation = t.relation AND r.column_name = wanted AND r.attribute = restrict_tree.attribute)
     ORDER BY t.place);
  IF unrestricted <> '{}' AND declared.status <> 'secured' THEN
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', root);
    PERFORM tenant_guard.require_current_declarations();
  END IF;
  action := 'restrict';
  FOREACH step_relation IN ARRAY unrestricted LOOP
    statement := format('INSERT INTO tenant_guard.attribute_restrictions VALUES (%L::regclass, %L, %L)',
                        step_relation, wanted, attribute);
    EXECUTE statement;
    RETURN NEXT;
  END LOOP;
  RETURN QUERY SELECT * FROM tenant_guard.isolate_anew(root);
END
$$;
COMMENT ON FUNCTION tenant_guard.restrict_tree(regclass, name, text) IS 'Does the work of restrict_by_attribute().';

CREATE FUNCTION tenant_guard.restrict_by_attribute(relation regclass, column_name name, attribute text)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.restrict_tree($1, $2, $3)
$$;
COMMENT ON FUNCTION tenant_guard.restrict_by_attribute(regclass, name, text) IS
  'Adds to the isolation of a protected relation, its partitions and children that the column has the value of a user '
  'attribute of the token, or one of its elements if that is an array. A missing attribute denies; several restrictions '
  'hold together. Returns the statements it ran. SQLSTATE 55000 if the relation is not protected or belongs to a '
  'protected parent, 42703 or 42804 if the column cannot be compared, 22023 if an argument is missing.';

CREATE FUNCTION tenant_guard.unrestrict_tree(root regclass, wanted name, attribute text)
  RETURNS TABLE (step_relation regclass, action text, statement text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  declared tenant_guard.relations;
  restriction tenant_guard.attribute_restrictions;
BEGIN
  declared := tenant_guard.restrictable(root);
  PERFORM FROM tenant_guard.attribute_restrictions r
    WHERE r.relation = root AND r.column_name = wanted AND r.attribute = coalesce(unrestrict_tree.attribute, r.attribute);
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('column "%s" of relation "%s" is not restricted by %s', wanted, root,
                       CASE WHEN attribute IS NULL THEN 'an attribute' ELSE format('attribute "%s"', attribute) END),
      HINT = 'SELECT relation, how FROM tenant_guard.protection lists what is.';
  END IF;
  IF declared.status <> 'secured' THEN
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', root);
    PERFORM tenant_guard.require_current_declarations();
  END IF;
  action := 'unrestrict';
  FOR restriction IN
      SELECT r.* FROM tenant_guard.relation_tree(root) WITH ORDINALITY AS t (relation, place)
        JOIN tenant_guard.attribute_restrictions r ON r.relation = t.relation
       WHERE r.column_name = wanted AND r.attribute = coalesce(unrestrict_tree.attribute, r.attribute)
       ORDER BY t.place, r.attribute LOOP
    step_relation := restriction.relation;
    statement := format('DELETE FROM tenant_guard.attribute_restrictions '
                        'WHERE relation = %L::regclass AND column_name = %L AND attribute = %L',
                        step_relation, wanted, restriction.attribute);
    EXECUTE statement;
    RETURN NEXT;
  END LOOP;
  RETURN QUERY SELECT * FROM tenant_guard.isolate_anew(root);
END
$$;
COMMENT ON FUNCTION tenant_guard.unrestrict_tree(regclass, name, text) IS 'Does the work of unrestrict().';

CREATE FUNCTION tenant_guard.unrestrict(relation regclass, column_name name, attribute text DEFAULT NULL)
  RETURNS TABLE (relation regclass, action text, statement text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tenant_guard.unrestrict_tree($1, $2, $3)
$$;
COMMENT ON FUNCTION tenant_guard.unrestrict(regclass, name, text) IS
  'Takes restrict_by_attribute() of a column back, for one attribute or for all. The isolation by tenant stays. '
  'SQLSTATE 55000 if there is no such restriction.';

-- What becomes a part of a restricted relation is restricted as well. True if that is news.
CREATE FUNCTION tenant_guard.inherit_restrictions(candidate regclass) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Most have none, and what inserts no row makes every session look again all the same.
  IF NOT EXISTS (SELECT FROM pg_inherits i JOIN tenant_guard.attribute_restrictions r ON r.relation = i.inhparent
                  WHERE i.inhrelid = candidate) THEN
    RETURN false;
  END IF;
  INSERT INTO tenant_guard.attribute_restrictions
    SELECT t.relation, r.column_name, r.attribute
      FROM pg_inherits i
      JOIN tenant_guard.attribute_restrictions r ON r.relation = i.inhparent
      CROSS JOIN tenant_guard.relation_tree(candidate) AS t (relation)
     WHERE i.inhrelid = candidate;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION tenant_guard.inherit_restrictions(regclass) IS
  'Declares for a partition or child, and what is below it, the restrictions of its parent.';
