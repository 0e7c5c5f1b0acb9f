-- What administrators have declared. Nobody but the extension's owner has rights on these tables;
-- the library reads them by itself. The order of the columns is known to the library.

CREATE TABLE tenant_guard.relations (
  relation             regclass PRIMARY KEY,
  status               text NOT NULL CHECK (status IN ('protected', 'derived', 'shared')),
  tenant_column        name,
  writable             boolean NOT NULL DEFAULT false,
  reason               text,
  -- what unprotect() puts back
  row_security_before  boolean,
  force_before         boolean,
  added_default        boolean,
  added_access_policy  boolean,
  -- of a derived relation: to which relation, and by which foreign key
  parent               regclass,
  parent_constraint    name,
  CHECK (status <> 'protected' OR tenant_column IS NOT NULL),
  CHECK (status <> 'shared' OR reason IS NOT NULL),
  CHECK (status <> 'derived' OR parent IS NOT NULL AND parent_constraint IS NOT NULL)
);
COMMENT ON TABLE tenant_guard.relations IS
  'Relations that are protected for tenant isolation, by a column or through a parent (derived), or declared shared.';

-- What is protected through a relation: asked whenever one is unprotected.
CREATE INDEX relations_parent ON tenant_guard.relations (parent) WHERE parent IS NOT NULL;

CREATE TABLE tenant_guard.guarded_roles (
  role  regrole PRIMARY KEY,
  mode  text NOT NULL CHECK (mode IN ('off', 'warn', 'authenticated', 'always'))
);
COMMENT ON TABLE tenant_guard.guarded_roles IS 'Roles named by guard_role(), and how they are guarded.';

CREATE TABLE tenant_guard.signing_keys (
  kid        text NOT NULL,
  issuer     text NOT NULL DEFAULT '',
  algorithm  text NOT NULL,
  material   bytea NOT NULL,
  retired    timestamptz,
  added      timestamptz NOT NULL DEFAULT pg_catalog.now(),
  PRIMARY KEY (issuer, kid)
);
COMMENT ON TABLE tenant_guard.signing_keys IS
  'Keys that tokens are verified with; material is a secret for HMAC keys. Never dumped.';

CREATE TABLE tenant_guard.issuers (
  issuer            text PRIMARY KEY CHECK (issuer <> ''),
  audience          text[],
  tenant_claim      text NOT NULL CHECK (tenant_claim <> ''),
  attributes_claim  text NOT NULL CHECK (attributes_claim <> ''),
  leeway            bigint NOT NULL CHECK (leeway BETWEEN 0 AND 86400),
  max_age           bigint CHECK (max_age > 0),
  token_type        text CHECK (token_type IN ('JWT', 'at+jwt'))
);
COMMENT ON TABLE tenant_guard.issuers IS 'Claim rules for issuers; leeway and max_age in seconds.';

CREATE TABLE tenant_guard.revocations (
  kind           text COLLATE "C" NOT NULL CHECK (kind IN ('token', 'subject', 'tenant')),
  value          text COLLATE "C" NOT NULL CHECK (value <> ''),
  issued_before  timestamptz,
  until          timestamptz,
  PRIMARY KEY (kind, value)
);
COMMENT ON TABLE tenant_guard.revocations IS
  'Tokens refused before they expire: those with this id, subject or tenant, issued before a time.';

REVOKE ALL ON ALL TABLES IN SCHEMA tenant_guard FROM PUBLIC;

-- A change must reach every session's plans and caches: ALWAYS, so that replication cannot skip it.
CREATE FUNCTION tenant_guard.declaration_changed() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'tenant_guard_declaration_changed';
COMMENT ON FUNCTION tenant_guard.declaration_changed() IS
  'Trigger: tells every session that a relation was declared anew.';
CREATE FUNCTION tenant_guard.table_changed() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'tenant_guard_table_changed';
COMMENT ON FUNCTION tenant_guard.table_changed() IS
  'Trigger: tells every session that keys, issuers or roles changed.';

CREATE TRIGGER declaration_changed AFTER INSERT OR UPDATE OR DELETE ON tenant_guard.relations
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.declaration_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.relations
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.guarded_roles
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.signing_keys
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.issuers
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
CREATE TRIGGER table_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.revocations
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.table_changed();
ALTER TABLE tenant_guard.relations ENABLE ALWAYS TRIGGER declaration_changed;
ALTER TABLE tenant_guard.relations ENABLE ALWAYS TRIGGER table_changed;
ALTER TABLE tenant_guard.guarded_roles ENABLE ALWAYS TRIGGER table_changed;
ALTER TABLE tenant_guard.signing_keys ENABLE ALWAYS TRIGGER table_changed;
ALTER TABLE tenant_guard.issuers ENABLE ALWAYS TRIGGER table_changed;
ALTER TABLE tenant_guard.revocations ENABLE ALWAYS TRIGGER table_changed;

-- A dump restores tables first, and new tables are protected as they are made: the declaration is
-- then there before the dump's own copy of it arrives, which knows better what was there before.
CREATE FUNCTION tenant_guard.merge_declaration() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = NEW.relation) THEN
    UPDATE tenant_guard.relations r
       SET status = NEW.status, tenant_column = NEW.tenant_column, writable = NEW.writable,
           reason = NEW.reason, row_security_before = NEW.row_security_before,
           force_before = NEW.force_before, added_default = NEW.added_default,
           added_access_policy = NEW.added_access_policy, parent = NEW.parent,
           parent_constraint = NEW.parent_constraint
     WHERE r.relation = NEW.relation;
    RETURN NULL;
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION tenant_guard.merge_declaration() IS
  'Trigger: a declaration that a dump brings replaces the one made on restoring the table.';
CREATE TRIGGER merge_declaration BEFORE INSERT ON tenant_guard.relations
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.merge_declaration();

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.relations', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.guarded_roles', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.issuers', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.revocations', '');
