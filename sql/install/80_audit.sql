-- The isolation doctor: what is wrong, and the SQL that mends it. A check is a row here, a query in the function of its
-- group (81 to 89) and a row in docs/audit.md. error: tenants are not kept apart, or can stop being so without anybody
-- noticing. warning: a way round, or a layer that is missing. info: worth knowing, or slow.

CREATE FUNCTION tenant_guard.audit_checks() RETURNS TABLE (check_id text, severity text, title text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES
    ('TG101', 'error',   'table with a tenant column that is not protected'),
    ('TG102', 'warning', 'table without a tenant column that refers to a protected one'),
    ('TG103', 'warning', 'table that is neither protected nor shared'),
    ('TG104', 'error',   'row security disabled on a protected relation'),
    ('TG105', 'error',   'row security not forced on a protected relation'),
    ('TG106', 'error',   'isolation policy missing or changed'),
    ('TG107', 'error',   'partition or child of a protected relation that is not protected'),
    ('TG108', 'warning', 'row security without a policy'),
    ('TG109', 'error',   'policies on a table whose row security is disabled'),
    ('TG110', 'warning', 'row security on but not forced'),
    ('TG111', 'warning', 'materialized view or foreign table that tenants may read'),
    ('TG112', 'warning', 'materialized view that is filled without rows'),
    ('TG113', 'warning', 'shared materialized view over protected relations'),
    ('TG114', 'warning', 'shared table with a tenant column'),
    ('TG115', 'warning', 'shared table that every tenant may write'),
    ('TG116', 'error',   'derived table whose foreign key is gone'),
    ('TG117', 'info',    'derived table that could have a tenant column'),
    ('TG201', 'error',   'policy that is always true on a relation that is not protected'),
    ('TG202', 'warning', 'policy that is always true on a protected relation'),
    ('TG203', 'error',   'policy that fails open'),
    ('TG204', 'warning', 'policy that trusts a setting of the client'),
    ('TG205', 'warning', 'policy that trusts what users can edit'),
    ('TG206', 'info',    'several permissive policies for one command'),
    ('TG207', 'warning', 'policy that calls a volatile function'),
    ('TG208', 'warning', 'policy that reads an unprotected relation'),
    ('TG209', 'warning', 'policy that calls a function without a search_path'),
    ('TG210', 'warning', 'policy that does not look at the row'),
    ('TG211', 'error',   'policy that is inverted'),
    ('TG212', 'info',    'policy that reads a setting for each row'),
    ('TG213', 'warning', 'policy without effect'),
    ('TG214', 'warning', 'policy that tells tenants apart by the database role'),
    ('TG215', 'warning', 'policy that names a tenant'),
    ('TG216', 'warning', 'policy that takes a value of the session for a pattern'),
    ('TG217', 'error',   'policy with a subquery that is the same for everybody'),
    ('TG218', 'error',   'policy that lets rows of other tenants be written'),
    ('TG219', 'error',   'policy that calls an immutable function about the session'),
    ('TG301', 'error',   'view that reads protected relations as an exempt role'),
    ('TG302', 'warning', 'SECURITY DEFINER function of an exempt role that tenants may call'),
    ('TG303', 'warning', 'SECURITY DEFINER function without a search_path'),
    ('TG304', 'warning', 'SECURITY DEFINER function whose search_path does not end with pg_temp'),
    ('TG305', 'warning', 'leakproof function'),
    ('TG306', 'warning', 'trigger that runs as an exempt role'),
    ('TG307', 'warning', 'rule that acts as an exempt role'),
    ('TG401', 'warning', 'login role with BYPASSRLS'),
    ('TG402', 'error',   'role that serves tenants with BYPASSRLS'),
    ('TG403', 'error',   'role that serves tenants and can become an exempt role'),
    ('TG404', 'warning', 'login role that can become an exempt role'),
    ('TG405', 'error',   'role that serves tenants and can become an owner'),
    ('TG406', 'error',   'protected relation owned by a role that serves tenants'),
    ('TG407', 'error',   'login role with rights that is not guarded'),
    ('TG408', 'warning', 'role that is not guarded always'),
    ('TG409', 'warning', 'guarded role whose setting differs'),
    ('TG410', 'error',   'role that serves tenants with CREATEROLE'),
    ('TG411', 'error',   'role that serves tenants with REPLICATION'),
    ('TG412', 'warning', 'login role with REPLICATION'),
    ('TG413', 'error',   'role that serves tenants in a predefined role'),
    ('TG414', 'error',   'no guarded role'),
    ('TG415', 'info',    'guarded role that does not exist'),
    ('TG501', 'error',   'TRUNCATE granted'),
    ('TG502', 'warning', 'REFERENCES granted'),
    ('TG503', 'warning', 'TRIGGER granted'),
    ('TG504', 'warning', 'MAINTAIN granted'),
    ('TG505', 'warning', 'UPDATE of a sequence granted'),
    ('TG506', 'warning', 'SELECT of a sequence granted'),
    ('TG507', 'info',    'USAGE of an identity sequence granted'),
    ('TG508', 'warning', 'CREATE in a schema granted'),
    ('TG509', 'warning', 'CREATE in the database granted'),
    ('TG510', 'info',    'default privileges on tables'),
    ('TG511', 'warning', 'protected relation granted to everybody'),
    ('TG512', 'warning', 'rights that can be granted on'),
    ('TG513', 'warning', 'foreign server granted'),
    ('TG514', 'error',   'setting granted'),
    ('TG515', 'error',   'function of the server or of administrators granted'),
    ('TG601', 'warning', 'foreign key without the tenant'),
    ('TG602', 'warning', 'foreign key of a table without a tenant column'),
    ('TG603', 'warning', 'primary key or unique constraint without the tenant'),
    ('TG604', 'warning', 'unique index without the tenant'),
    ('TG605', 'warning', 'exclusion constraint without the tenant'),
    ('TG606', 'warning', 'tenant column that is nullable'),
    ('TG607', 'warning', 'no index that leads with the tenant column'),
    ('TG608', 'info',    'index that row security keeps from being used'),
    ('TG609', 'info',    'tenant column with a default that is not the tenant'),
    ('TG701', 'error',   'no active key'),
    ('TG702', 'warning', 'issuer without an audience'),
    ('TG703', 'info',    'issuer without a maximum age'),
    ('TG704', 'warning', 'issuer without an active key'),
    ('TG705', 'warning', 'key of no issuer while issuers are configured'),
    ('TG706', 'error',   'secret that can be guessed'),
    ('TG707', 'info',    'key in use for more than a year'),
    ('TG711', 'error',   'tokens without an end are accepted'),
    ('TG712', 'warning', 'transactions outlive their token'),
    ('TG713', 'warning', 'new tables are not protected'),
    ('TG714', 'error',   'the guard is off'),
    ('TG721', 'warning', 'every statement is logged'),
    ('TG722', 'warning', 'values of failed statements are logged'),
    ('TG723', 'warning', 'every statement is logged with its duration'),
    ('TG724', 'warning', 'plans are logged'),
    ('TG725', 'warning', 'utility statements are kept in pg_stat_statements'),
    ('TG726', 'warning', 'the audit log gets values'),
    ('TG727', 'warning', 'parse trees are logged'),
    ('TG731', 'error',   'foreign keys and triggers do not fire'),
    ('TG732', 'error',   'large objects without rights'),
    ('TG733', 'error',   'catalogs that can be changed'),
    ('TG801', 'error',   'library not preloaded'),
    ('TG802', 'error',   'library and extension of different versions'),
    ('TG803', 'error',   'event trigger that does not fire'),
    ('TG804', 'error',   'trigger of the declarations that does not fire'),
    ('TG805', 'error',   'PostgreSQL with a published flaw of row security'),
    ('TG806', 'warning', 'publication of protected relations'),
    ('TG807', 'warning', 'logical replication slot'),
    ('TG808', 'warning', 'extension that offers a way round'),
    ('TG809', 'warning', 'user mapping of a role that serves tenants'),
    ('TG810', 'info',    'other database that tenants may connect to'),
    ('TG811', 'warning', 'connections without a password'),
    ('TG812', 'warning', 'connections without TLS'),
    ('TG901', 'info',    'exemption that exempts nothing'),
    ('TG902', 'warning', 'exemption that has expired')
$$;
COMMENT ON FUNCTION tenant_guard.audit_checks() IS 'Every check of audit(): id, severity and title.';

-- Without the library, or with that of another version, the functions of the extension refuse to work, and nothing is kept
-- apart by anything but policies that raise errors: there is one thing to mend first.
CREATE FUNCTION tenant_guard.audit_findings()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
  IF tenant_guard.library_version() IS NULL THEN
    RETURN QUERY SELECT 'TG801', 'server', 'was started without the library, which nothing else here can be seen without: add '
                        'tenant_guard to "shared_preload_libraries" and restart it', NULL::text;
    RETURN;
  END IF;
  IF tenant_guard.library_version() <> (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'tenant_guard') THEN
    RETURN QUERY SELECT 'TG802', 'extension', format('is of version %s and the library of version %s: nothing else can be looked at',
                                                    e.extversion, tenant_guard.library_version()),
                        'ALTER EXTENSION tenant_guard UPDATE;'
                   FROM pg_extension e WHERE e.extname = 'tenant_guard';
    RETURN;
  END IF;
  RETURN QUERY
    SELECT * FROM tenant_guard.audit_relations()
    UNION ALL SELECT * FROM tenant_guard.audit_policies()
    UNION ALL SELECT * FROM tenant_guard.audit_code()
    UNION ALL SELECT * FROM tenant_guard.audit_roles()
    UNION ALL SELECT * FROM tenant_guard.audit_grants()
    UNION ALL SELECT * FROM tenant_guard.audit_keys()
    UNION ALL SELECT * FROM tenant_guard.audit_settings()
    UNION ALL SELECT * FROM tenant_guard.audit_server();
END
$$;
COMMENT ON FUNCTION tenant_guard.audit_findings() IS 'What all checks of audit() find, exemptions aside.';

-- The key is made of names, not of OIDs: an exemption holds on the copy that a dump makes, and in the next environment;
-- and an object that is renamed has to be looked at again.
CREATE FUNCTION tenant_guard.audit(include_exempt boolean DEFAULT false)
  RETURNS TABLE (check_id text, severity text, object text, problem text, remedy text, key text,
                 exempt_reason text, exempt_until timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH findings AS MATERIALIZED (
    SELECT f.*, f.check_id || ':' || f.object AS key FROM tenant_guard.audit_findings() f
  ), all_findings AS (
    SELECT * FROM findings
    UNION ALL
    SELECT CASE WHEN x.until <= now() THEN 'TG902' ELSE 'TG901' END, x.key,
           CASE WHEN x.until <= now() THEN format('expired at %s: decide again, or mend what it is about', x.until)
                ELSE 'no finding has this key' END,
           format('SELECT tenant_guard.audit_unexempt(%L);', x.key), NULL
      FROM tenant_guard.audit_exemptions x
     WHERE x.until <= now() OR NOT EXISTS (SELECT FROM findings f WHERE f.key = x.key)
  )
  SELECT f.check_id, c.severity, f.object, f.problem, f.remedy, coalesce(f.key, f.check_id || ':' || f.object), x.reason, x.until
    FROM all_findings f
    JOIN tenant_guard.audit_checks() c ON c.check_id = f.check_id
    LEFT JOIN tenant_guard.audit_exemptions x ON x.key = f.key AND (x.until IS NULL OR x.until > now())
   WHERE $1 OR x.key IS NULL
   ORDER BY f.check_id, f.object
$$;
COMMENT ON FUNCTION tenant_guard.audit(boolean) IS
  'The findings of the isolation doctor, in an order in which their remedies can be run: the check, how bad it is, the '
  'object, what is wrong, the SQL that mends it (NULL where that takes a decision), and the key for audit_exempt(). '
  'Exempt findings are left out unless asked for.';

CREATE FUNCTION tenant_guard.audit_exempt(key text, reason text, until timestamptz DEFAULT NULL) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF key IS NULL OR NOT EXISTS (
      SELECT FROM tenant_guard.audit_checks() c WHERE c.check_id = split_part(audit_exempt.key, ':', 1) AND audit_exempt.key ~ ':.') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('"%s" is not the key of a finding', key),
      DETAIL = 'A key is the id of a check, a colon and the object.',
      HINT = 'SELECT check_id, object, key FROM tenant_guard.audit() shows the keys.';
  END IF;
  IF coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'an exemption needs a reason',
      HINT = format('Say why it is acceptable: SELECT tenant_guard.audit_exempt(%L, ''reason'').', key);
  END IF;
  IF until <= now() THEN
    RAISE EXCEPTION USING
      ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('an exemption until %s would have expired', until),
      HINT = 'Name a time to come, or none for an exemption that stays.';
  END IF;
  INSERT INTO tenant_guard.audit_exemptions AS x (key, reason, until)
  VALUES (audit_exempt.key, audit_exempt.reason, audit_exempt.until)
  ON CONFLICT ON CONSTRAINT audit_exemptions_pkey
  DO UPDATE SET reason = EXCLUDED.reason, until = EXCLUDED.until, made_by = EXCLUDED.made_by, made_at = EXCLUDED.made_at;
END
$$;
COMMENT ON FUNCTION tenant_guard.audit_exempt(text, text, timestamptz) IS
  'Accepts a finding of audit(): it is left out from then on, until the time if one is given. Exempting again replaces '
  'reason and time. SQLSTATE 22023 without a reason, for what is not a key, and for a time that has passed.';

CREATE FUNCTION tenant_guard.audit_unexempt(key text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM tenant_guard.audit_exemptions x WHERE x.key = audit_unexempt.key;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('"%s" is not exempt', key),
      HINT = 'SELECT * FROM tenant_guard.audit(include_exempt => true) shows what is.';
  END IF;
END
$$;
COMMENT ON FUNCTION tenant_guard.audit_unexempt(text) IS
  'Takes audit_exempt() back: the finding is reported again. SQLSTATE 55000 if it is not exempt.';
