-- audit(), group 8: the server and what else runs in it.

-- Flaws of row security in PostgreSQL, the minor release that mended them, and how one gets round the policies.
CREATE FUNCTION tenant_guard.known_flaws(version integer) RETURNS TABLE (cve text, mended_in text, what text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.cve, format('%s.%s', f.major, f.minor), f.what
    FROM (VALUES
      ('CVE-2023-2455', 15, 3, 'policies of the wrong role after a function was inlined'),
      ('CVE-2024-4317', 15, 7, 'pg_stats_ext shows values of rows that a policy hides'),
      ('CVE-2024-4317', 16, 3, 'pg_stats_ext shows values of rows that a policy hides'),
      ('CVE-2024-10976', 15, 9, 'policies of the wrong role in subqueries of cached plans'),
      ('CVE-2024-10976', 16, 5, 'policies of the wrong role in subqueries of cached plans'),
      ('CVE-2024-10976', 17, 1, 'policies of the wrong role in subqueries of cached plans'),
      ('CVE-2025-8713', 15, 14, 'statistics show values of rows that a policy hides'),
      ('CVE-2025-8713', 16, 10, 'statistics show values of rows that a policy hides'),
      ('CVE-2025-8713', 17, 6, 'statistics show values of rows that a policy hides')) AS f (cve, major, minor, what)
   WHERE f.major = $1 / 10000 AND f.minor > $1 % 10000
$$;
COMMENT ON FUNCTION tenant_guard.known_flaws(integer) IS
  'The published flaws of row security that a version of PostgreSQL (server_version_num) has.';

CREATE FUNCTION tenant_guard.conflicting_extensions() RETURNS TABLE (extension text, why text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES
    ('adminpack', 'it writes files of the server'),
    ('autonomous_transaction', 'it runs statements outside the transaction that authenticated'),
    ('dblink', 'it opens other sessions, which have not authenticated'),
    ('file_fdw', 'it reads files of the server'),
    ('http', 'it sends rows anywhere'),
    ('multicorn', 'it runs Python as the server'),
    ('orafce', 'its alerts and pipes pass messages between sessions of different tenants'),
    ('pageinspect', 'it reads pages, past row security'),
    ('pg_background', 'it runs statements in other sessions, which have not authenticated'),
    ('pg_cron', 'it runs statements in other sessions, which have not authenticated'),
    ('pg_dirtyread', 'it reads deleted rows, past row security'),
    ('pg_freespacemap', 'it tells how full the tables of all tenants are'),
    ('pg_ivm', 'the views that it keeps are tables without row security'),
    ('pg_net', 'it sends rows anywhere'),
    ('pg_surgery', 'it changes rows, past row security'),
    ('pg_variables', 'its variables stay on the pooled connection'),
    ('pg_walinspect', 'it reads the write-ahead log, with the rows of all tenants'),
    ('pgrowlocks', 'it tells which rows of all tenants are locked'),
    ('pgstattuple', 'it tells how many rows all tenants have'),
    ('plperlu', 'its functions do what the server can'),
    ('plpython3u', 'its functions do what the server can'),
    ('pltclu', 'its functions do what the server can'),
    ('postgres_fdw', 'it opens other sessions, which have not authenticated'),
    ('tcn', 'it sends keys of changed rows to everybody who listens')
$$;
COMMENT ON FUNCTION tenant_guard.conflicting_extensions() IS 'Extensions that offer a way past the isolation, and which.';

CREATE FUNCTION tenant_guard.audit_server()
  RETURNS TABLE (check_id text, object text, problem text, remedy text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  SELECT 'TG803', 'event trigger ' || t.evtname,
         'does not fire always: new tables are not protected, and dropped ones are not forgotten',
         format('ALTER EVENT TRIGGER %I ENABLE ALWAYS;', t.evtname)
    FROM pg_event_trigger t WHERE t.evtname ~ '^tenant_guard_' AND t.evtenabled <> 'A'
  UNION ALL
  SELECT 'TG804', format('trigger %I on %s', t.tgname, t.tgrelid::regclass), 'does not fire always: sessions do not learn of changes',
         format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', t.tgrelid::regclass, t.tgname)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
   WHERE c.relnamespace = 'tenant_guard'::regnamespace AND t.tgname IN ('declaration_changed', 'table_changed') AND t.tgenabled <> 'A'
  UNION ALL
  SELECT 'TG805', 'server ' || f.cve, format('PostgreSQL %s: %s. Mended in %s', current_setting('server_version'), f.what, f.mended_in), NULL
    FROM tenant_guard.known_flaws(current_setting('server_version_num')::integer) f
  UNION ALL
  SELECT 'TG806', format('publication %I of %s', p.pubname, r.name), 'sends the rows of all tenants to its subscribers',
         format('ALTER PUBLICATION %I DROP TABLE %s;', p.pubname, r.name)
    FROM pg_publication p JOIN pg_publication_rel x ON x.prpubid = p.oid
    JOIN tenant_guard.audited_relations r ON r.relation = x.prrelid AND r.is_isolated
   WHERE x.prqual IS NULL
  UNION ALL
  SELECT 'TG806', format('publication %I of schema %I', p.pubname, n.nspname), 'sends the rows of all tenants to its subscribers',
         format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I;', p.pubname, n.nspname)
    FROM pg_publication p JOIN pg_publication_namespace x ON x.pnpubid = p.oid JOIN pg_namespace n ON n.oid = x.pnnspid
   WHERE EXISTS (SELECT FROM tenant_guard.relations r JOIN pg_class c ON c.oid = r.relation
                  WHERE c.relnamespace = n.oid AND r.status IN ('protected', 'derived'))
  UNION ALL
  SELECT 'TG806', format('publication %I of all tables', p.pubname), 'sends the rows of all tenants to its subscribers', NULL
    FROM pg_publication p
   WHERE p.puballtables AND EXISTS (SELECT FROM tenant_guard.relations r WHERE r.status IN ('protected', 'derived'))
  UNION ALL
  SELECT 'TG807', format('replication slot %I', s.slot_name), 'decodes the rows of all tenants for whoever may read it',
         format('SELECT pg_drop_replication_slot(%L);', s.slot_name)
    FROM pg_replication_slots s WHERE s.slot_type = 'logical' AND s.database = current_database()
  UNION ALL
  SELECT 'TG808', format('extension %I', x.extension), x.why, format('DROP EXTENSION %I;', x.extension)
    FROM tenant_guard.conflicting_extensions() x JOIN pg_extension e ON e.extname = x.extension
  UNION ALL
  SELECT 'TG809', format('user mapping for %s on server %I', coalesce(g.name, 'PUBLIC'), m.srvname),
         'a role that serves tenants can use the credentials of another server',
         format('DROP USER MAPPING FOR %s SERVER %I;', g.name, m.srvname)
    FROM pg_user_mappings m JOIN tenant_guard.application_grantees() g ON g.grantee = m.umuser
  UNION ALL
  SELECT 'TG810', format('database %I for %s', d.datname, g.name),
         format('%s may connect to another database, which has policies and declarations of its own', g.name),
         format('REVOKE CONNECT ON DATABASE %I FROM %s;', d.datname, g.name)
    FROM pg_database d
   CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) acl
    JOIN tenant_guard.application_grantees() g ON g.grantee = acl.grantee
   WHERE d.datallowconn AND d.datname <> current_database() AND acl.privilege_type = 'CONNECT' AND acl.grantee <> d.datdba
  UNION ALL
  SELECT 'TG811', format('pg_hba.conf line %s', h.line_number), format('%s connections need no password: whoever reaches it is any role', h.type), NULL
    FROM pg_hba_file_rules h WHERE h.auth_method = 'trust'
  UNION ALL
  SELECT 'TG812', format('pg_hba.conf line %s', h.line_number), 'accepts connections without TLS from other machines: tokens are sent as text', NULL
    FROM pg_hba_file_rules h
   WHERE h.type IN ('host', 'hostnossl') AND h.auth_method <> 'reject' AND h.address <> 'samehost'
     AND h.address !~ '^(127\.|::1$|localhost$)'
$$;
COMMENT ON FUNCTION tenant_guard.audit_server() IS 'The findings TG8xx of audit(): the server and what else runs in it.';
