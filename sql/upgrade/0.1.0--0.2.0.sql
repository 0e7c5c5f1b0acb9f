-- By hand, before the fragments of sql/install run again: columns and constraints of tables that are there, and DROP of
-- what is gone or what CREATE OR REPLACE cannot change (a function's arguments or result, a view's columns).

-- The schema becomes a part of the extension. No command can do so with the schema that an extension was created in;
-- and what administrators granted on it must not count as granted by the extension, or no dump would have it.
UPDATE pg_catalog.pg_extension SET extnamespace = 'pg_catalog'::pg_catalog.regnamespace WHERE extname = 'tenant_guard';
DELETE FROM pg_catalog.pg_depend d USING pg_catalog.pg_extension e
 WHERE d.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.objid = e.oid AND e.extname = 'tenant_guard'
   AND d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass;
ALTER EXTENSION tenant_guard ADD SCHEMA tenant_guard;
UPDATE pg_catalog.pg_init_privs i
   SET initprivs = pg_catalog.format('{%1$s=UC/%1$s,=U/%1$s}', n.nspowner::pg_catalog.regrole)::pg_catalog.aclitem[]
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname = 'tenant_guard' AND i.objoid = n.oid AND i.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass;

ALTER TABLE tenant_guard.issuers ADD COLUMN token_type text CHECK (token_type IN ('JWT', 'at+jwt'));
ALTER TABLE tenant_guard.relations ADD COLUMN parent regclass, ADD COLUMN parent_constraint name;
ALTER TABLE tenant_guard.relations DROP CONSTRAINT relations_status_check;
ALTER TABLE tenant_guard.relations ADD CHECK (status IN ('protected', 'derived', 'shared')),
  ADD CHECK (status <> 'derived' OR parent IS NOT NULL AND parent_constraint IS NOT NULL);

