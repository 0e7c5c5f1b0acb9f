-- audit(), group 7: keys, issuers and settings.

-- Settings, and values that they should not have: as regular expressions. A finding where the session has such a value,
-- and where a role or database is given one.
CREATE FUNCTION tenant_guard.audited_settings()
  RETURNS TABLE (check_id text, setting text, unwanted text, wanted text, why text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES
    ('TG711', 'tenant_guard.require_exp', '^off$', 'on', 'tokens without an end are accepted'),
    ('TG712', 'tenant_guard.expiry', '^transaction$', 'statement', 'a transaction outlives its token'),
    ('TG713', 'tenant_guard.auto_protect', '^off$', 'on', 'new tables are not protected as they are made'),
    -- From 17.
    ('TG713', 'event_triggers', '^off$', 'on', 'new tables are not protected as they are made, and dropped ones not forgotten'),
    ('TG714', 'tenant_guard.enforce', '^(off|warn)$', 'authenticated', 'transactions that authenticated are not guarded'),
    ('TG721', 'log_statement', '^all$', 'none',
     'every statement is logged. Tokens are blotted out; secrets in add_secret() and values are not'),
    ('TG722', 'log_parameter_max_length_on_error', '^(-1|[1-9].*)$', '0', 'the log gets the values of statements that fail'),
    ('TG723', 'log_min_duration_statement', '^0', '-1', 'every statement is logged with its values'),
    ('TG724', 'auto_explain.log_min_duration', '^[0-9]', '-1', 'plans are logged with the values in them'),
    ('TG725', 'pg_stat_statements.track_utility', '^on$', 'off', 'SET LOCAL tenant_guard.token is kept with the token in it'),
    ('TG726', 'pgaudit.log_parameter', '^on$', 'off', 'the audit log gets values, and tokens that are bound'),
    ('TG727', 'debug_print_parse', '^on$', 'off', 'the log gets statements as trees, with the values in them'),
    ('TG727', 'debug_print_rewritten', '^on$', 'off', 'the log gets statements as trees, with the values in them'),
    ('TG727', 'debug_print_plan', '^on$', 'off', 'the log gets plans as trees, with the values in them'),
    ('TG731', 'session_replication_role', '^(replica|local)$', 'origin', 'foreign keys and triggers do not fire'),
    ('TG732', 'lo_compat_privileges', '^on$', 'off', 'large objects are read and written without rights'),
    ('TG733', 'allow_system_table_mods', '^on$', 'off', 'the catalogs can be changed by hand')
$$;
COMMENT ON FUNCTION tenant_guard.audited_settings() IS 'Settings that audit() looks at, and the values that they should not have.';

CREATE FUNCTION tenant_guard.audit_settings()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH stored AS (
    SELECT concat_ws(' in ', 'role ' || quote_ident(r.rolname), 'database ' || quote_ident(d.datname)) AS object,
           CASE WHEN s.setrole = 0 THEN 'ALTER DATABASE ' || quote_ident(d.datname)
                ELSE concat('ALTER ROLE ', quote_ident(r.rolname), ' IN DATABASE ' || quote_ident(d.datname)) END AS alter,
           split_part(c, '=', 1) AS setting, substr(c, strpos(c, '=') + 1) AS value, s.setrole AS role
      FROM pg_db_role_setting s
     CROSS JOIN LATERAL unnest(s.setconfig) c
      LEFT JOIN pg_roles r ON r.oid = s.setrole
      LEFT JOIN pg_database d ON d.oid = s.setdatabase
     WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  ), in_force AS (
    -- What a session has that nothing else is said to; this one's own SET included.
    SELECT s.name AS setting, s.setting AS value FROM pg_settings s
     WHERE s.source NOT IN ('database', 'user', 'database user')
       AND NOT EXISTS (SELECT FROM stored d WHERE d.setting = s.name AND d.role = 0)
  )
  SELECT 'TG701', 'keys', 'there is no active key: every token is refused', NULL
   WHERE NOT EXISTS (SELECT FROM tenant_guard.keys k WHERE k.status = 'active')
  UNION ALL
  SELECT 'TG702', 'issuer ' || i.issuer, 'has no audience: its tokens for other services are accepted', NULL
    FROM tenant_guard.issuers i WHERE i.audience IS NULL
  UNION ALL
  SELECT 'TG703', 'issuer ' || i.issuer, 'has no max_age: how long its tokens live is left to it', NULL
    FROM tenant_guard.issuers i WHERE i.max_age IS NULL
  UNION ALL
  SELECT 'TG704', 'issuer ' || i.issuer, 'has no active key: its tokens are refused', NULL
    FROM tenant_guard.issuers i
   WHERE NOT EXISTS (SELECT FROM tenant_guard.keys k WHERE k.issuer = i.issuer AND k.status = 'active')
  UNION ALL
  SELECT 'TG705', format('key %s', k.kid), 'is bound to no issuer while issuers are configured: no audience is asked of its tokens',
         format('SELECT tenant_guard.retire_key(%L);', k.kid)
    FROM tenant_guard.signing_keys k
   WHERE k.issuer = '' AND k.retired IS NULL AND EXISTS (SELECT FROM tenant_guard.issuers)
  UNION ALL
  SELECT 'TG706', format('key %s%s', k.kid, ' of ' || nullif(k.issuer, '')), 'is a secret of few different bytes: it can be guessed from a token',
         format('SELECT tenant_guard.retire_key(%L, %L);', k.kid, nullif(k.issuer, ''))
    FROM tenant_guard.signing_keys k
   WHERE k.algorithm ~ '^HS' AND k.retired IS NULL
     AND (SELECT count(DISTINCT get_byte(k.material, n)) FROM generate_series(0, length(k.material) - 1) n) < 12
  UNION ALL
  SELECT 'TG707', format('key %s%s', k.kid, ' of ' || nullif(k.issuer, '')), format('is in use since %s: rotate it', k.added::date), NULL
    FROM tenant_guard.signing_keys k WHERE k.retired IS NULL AND k.added < now() - interval '1 year'
  UNION ALL
  SELECT s.check_id, format('setting %s of the server', s.setting), format('is %s: %s', f.value, s.why),
         format('ALTER DATABASE %I SET %s = %L;', current_database(), s.setting, s.wanted)
    FROM tenant_guard.audited_settings() s JOIN in_force f ON f.setting = s.setting AND f.value ~ s.unwanted
  UNION ALL
  SELECT s.check_id, format('setting %s of %s', s.setting, f.object), format('is %s: %s', f.value, s.why),
         format('%s RESET %s;', f.alter, s.setting)
    FROM tenant_guard.audited_settings() s JOIN stored f ON f.setting = s.setting AND f.value ~ s.unwanted
   -- What guard_role() said of a role is TG408.
   WHERE s.setting <> 'tenant_guard.enforce'
      OR NOT EXISTS (SELECT FROM tenant_guard.guarded_roles g WHERE g.role = f.role)
$$;
COMMENT ON FUNCTION tenant_guard.audit_settings() IS 'The findings TG7xx of audit(): keys, issuers and settings.';
