-- Every fact about the extension's objects, one a line: what test/tap/extension_upgrade.pl compares between an upgraded
-- and a fresh installation. Bodies and definitions are there in full, so that a difference names itself.
WITH members AS (
  SELECT d.classid, d.objid, d.deptype
    FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
   WHERE e.extname = 'tenant_guard'
), relations AS (
  SELECT c.* FROM pg_class c JOIN members m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
), functions AS (
  SELECT p.* FROM pg_proc p JOIN members m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
), acls (object, acl) AS (
  SELECT 'function ' || oid::regprocedure, coalesce(proacl, acldefault('f', proowner)) FROM functions
  UNION ALL SELECT 'relation ' || oid::regclass, coalesce(relacl, acldefault('r', relowner)) FROM relations
  UNION ALL SELECT 'schema ' || nspname, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace WHERE nspname = 'tenant_guard'
  UNION ALL SELECT 'at first: ' || pg_describe_object(classoid, objoid, objsubid), initprivs FROM pg_init_privs
   WHERE (classoid, objoid) IN (SELECT classid, objid FROM members)
), facts (fact) AS (
  SELECT format('member: %s %s', pg_describe_object(classid, objid, 0), deptype) FROM members
  UNION ALL
  -- What lies in the schema without being a member would not go with the extension.
  SELECT 'in the schema: ' || pg_describe_object('pg_class'::regclass, oid, 0) FROM pg_class WHERE relnamespace = 'tenant_guard'::regnamespace
  UNION ALL
  SELECT 'in the schema: ' || pg_describe_object('pg_proc'::regclass, oid, 0) FROM pg_proc WHERE pronamespace = 'tenant_guard'::regnamespace
  UNION ALL
  SELECT 'in the schema: ' || pg_describe_object('pg_type'::regclass, oid, 0) FROM pg_type WHERE typnamespace = 'tenant_guard'::regnamespace
  UNION ALL
  SELECT format('depends: %s on %s %s', pg_describe_object(d.classid, d.objid, d.objsubid),
                pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), d.deptype)
    FROM pg_depend d WHERE (d.classid, d.objid) IN (SELECT classid, objid FROM members)
  UNION ALL
  SELECT format('comment: %s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
    FROM pg_description d
   WHERE (d.classoid, d.objoid) IN (SELECT classid, objid FROM members)
      OR d.classoid = 'pg_trigger'::regclass AND d.objoid IN (SELECT oid FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM relations))
      OR d.classoid = 'pg_constraint'::regclass AND d.objoid IN (SELECT oid FROM pg_constraint WHERE conrelid IN (SELECT oid FROM relations))
  UNION ALL
  SELECT format('privilege: %s: %s to %s by %s, grantable %s', object, a.privilege_type, a.grantee::regrole, a.grantor::regrole, a.is_grantable)
    FROM acls, aclexplode(acl) a
  UNION ALL
  SELECT format('owner: %s %s', pg_describe_object('pg_proc'::regclass, oid, 0), proowner::regrole) FROM functions
  UNION ALL
  SELECT format('owner: %s %s', pg_describe_object('pg_class'::regclass, oid, 0), relowner::regrole) FROM relations
  UNION ALL
  SELECT 'function: ' || CASE prokind WHEN 'a' THEN oid::regprocedure::text ELSE pg_get_functiondef(oid) END FROM functions
  UNION ALL
  SELECT format('relation: %s kind %s persistence %s options %s row security %s, forced %s, replica identity %s', oid::regclass, relkind,
                relpersistence, reloptions, relrowsecurity, relforcerowsecurity, relreplident) FROM relations
  UNION ALL
  SELECT format('column: %s %s %s %s collate %s not null %s default %s storage %s identity %s generated %s', a.attrelid::regclass, a.attnum,
                a.attname, format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation, a.attnotnull,
                pg_get_expr(d.adbin, d.adrelid), a.attstorage, a.attidentity, a.attgenerated)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid IN (SELECT oid FROM relations) AND a.attnum > 0
  UNION ALL
  SELECT 'view: ' || oid::regclass || pg_get_viewdef(oid) FROM relations WHERE relkind IN ('v', 'm')
  UNION ALL
  SELECT format('constraint: %s %s %s validated %s', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
    FROM pg_constraint WHERE conrelid IN (SELECT oid FROM relations)
  UNION ALL
  SELECT format('index: %s valid %s', pg_get_indexdef(indexrelid), indisvalid) FROM pg_index WHERE indrelid IN (SELECT oid FROM relations)
  UNION ALL
  SELECT format('trigger: %s enabled %s', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger
   WHERE tgrelid IN (SELECT oid FROM relations) AND NOT tgisinternal
  UNION ALL
  SELECT format('rule: %s enabled %s', pg_get_ruledef(oid), ev_enabled) FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM relations)
  UNION ALL
  SELECT format('policy: %s %s %s permissive %s for %s using %s check %s', polrelid::regclass, polname, polcmd, polpermissive, polroles,
                pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy WHERE polrelid IN (SELECT oid FROM relations)
  UNION ALL
  SELECT format('event trigger: %s on %s tags %s function %s enabled %s owner %s', evtname, evtevent, evttags, evtfoid::regprocedure,
                evtenabled, evtowner::regrole)
    FROM pg_event_trigger JOIN members m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = pg_event_trigger.oid
  UNION ALL
  SELECT format('sequence: %s %s %s %s %s %s cycle %s', seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcycle)
    FROM pg_sequence WHERE seqrelid IN (SELECT oid FROM relations)
  UNION ALL
  SELECT format('type: %s kind %s base %s not null %s default %s labels %s', t.oid::regtype, t.typtype, t.typbasetype::regtype, t.typnotnull,
                t.typdefault, (SELECT array_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid))
    FROM pg_type t JOIN members m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
  UNION ALL
  SELECT format('dumped: %s where %s', c.relation::regclass, c.condition)
    FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS c (relation, condition) WHERE e.extname = 'tenant_guard'
  UNION ALL
  SELECT format('extension: %s schema %s version %s relocatable %s owner %s comment %s', extname, extnamespace::regnamespace, extversion,
                extrelocatable, extowner::regrole, obj_description(oid, 'pg_extension'))
    FROM pg_extension WHERE extname = 'tenant_guard'
)
SELECT replace(fact, E'\n', E'\n    ') FROM facts ORDER BY fact COLLATE "C";
