-- What everybody may call; all else is for whom the superuser grants it. This part runs in upgrades too, and then
-- touches what is new only: on the rest the administrator's grants and revokes stand. (What an extension's script
-- grants counts as part of the extension and is not dumped: granting again would take the administrator's along.)
DO $$
DECLARE
  for_everybody CONSTANT regprocedure[] := ARRAY[
    'tenant_guard.authenticate(text)', 'tenant_guard.tenant_id()', 'tenant_guard.tenant_id_uuid()',
    'tenant_guard.tenant_id_bigint()', 'tenant_guard.tenant_id_int()', 'tenant_guard.subject()',
    'tenant_guard.claims()', 'tenant_guard.claim(text[])', 'tenant_guard.attribute(text)',
    'tenant_guard.attribute_texts(text)', 'tenant_guard.attribute_bigints(text)', 'tenant_guard.attribute_numerics(text)',
    'tenant_guard.attribute_booleans(text)', 'tenant_guard.attribute_uuids(text)',
    'tenant_guard.cache_key(text, text[])', 'tenant_guard.policies_in_force()',
    'tenant_guard.query(text, text, jsonb, integer)', 'tenant_guard.explain_access(text, regrole)',
    'tenant_guard.file_keys()'];
  made record;
BEGIN
  FOR made IN
      SELECT 'ROUTINE' AS kind, p.oid::regprocedure::text AS name, p.oid = ANY (for_everybody) AS is_for_everybody
        FROM pg_catalog.pg_proc p
       WHERE p.pronamespace = 'tenant_guard'::regnamespace
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs i
                          WHERE i.classoid = 'pg_catalog.pg_proc'::regclass AND i.objoid = p.oid)
      UNION ALL
      SELECT 'TABLE', c.oid::regclass::text, false
        FROM pg_catalog.pg_class c
       WHERE c.relnamespace = 'tenant_guard'::regnamespace AND c.relkind IN ('r', 'v')
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs i
                          WHERE i.classoid = 'pg_catalog.pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = 0)
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM PUBLIC', made.kind, made.name);
    IF made.is_for_everybody THEN
      EXECUTE pg_catalog.format('GRANT EXECUTE ON %s %s TO PUBLIC', made.kind, made.name);
    END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs i
                  WHERE i.classoid = 'pg_catalog.pg_namespace'::regclass
                    AND i.objoid = 'tenant_guard'::regnamespace) THEN
    GRANT USAGE ON SCHEMA tenant_guard TO PUBLIC;
  END IF;
END
$$;
