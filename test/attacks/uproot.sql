-- Takes away what plant.sql made. psql variable: role.
SET client_min_messages = error;
SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE oid = 471100 \g /dev/null
SELECT to_regprocedure('tenant_guard.unprotect(regclass)') IS NOT NULL AS is_guarded \gset
\if :is_guarded
SELECT count(*) FROM pg_class c, LATERAL tenant_guard.unprotect(c.oid)
 WHERE relnamespace = to_regnamespace('attacks') AND relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid)
   AND EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = c.oid AND r.status = 'protected') \g /dev/null
\endif
DROP SCHEMA IF EXISTS attacks CASCADE;
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'attacks\_%' LOOP
        EXECUTE format('DROP OWNED BY %1$I CASCADE', name);
        EXECUTE format('DROP ROLE %1$I', name);
    END LOOP;
END
$$;
