-- Row security as the guides recommend it: enabled and forced, USING and WITH CHECK on a setting of the transaction.
SELECT format('ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;'
              'CREATE POLICY by_hand ON %1$s USING (tenant_id = current_setting(''app.tenant_id'')::%2$s)'
              ' WITH CHECK (tenant_id = current_setting(''app.tenant_id'')::%2$s)', c.oid::regclass, format_type(atttypid, NULL))
  FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attname = 'tenant_id'
 WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence = 'p' AND format_type(atttypid, NULL) IN ('text', 'uuid')
   AND relnamespace::regnamespace::text IN ('attacks', 'public')
   AND relname NOT IN ('forgotten', 'log', 'support_tickets', 'old_items', 'loose', 'unforced', 'constant', 'helped')
\gexec
ALTER TABLE attacks.accounts ALTER COLUMN tenant_id SET DEFAULT current_setting('app.tenant_id');
ALTER TABLE attacks.noted ALTER COLUMN tenant_id SET DEFAULT current_setting('app.tenant_id');
ALTER TABLE attacks.announced ALTER COLUMN tenant_id SET DEFAULT current_setting('app.tenant_id');
ALTER TABLE attacks.ruled ALTER COLUMN tenant_id SET DEFAULT current_setting('app.tenant_id');

-- Weaker ones that people ship. Open if nobody set a tenant.
ALTER TABLE attacks.loose ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY by_hand ON attacks.loose USING (coalesce(current_setting('app.tenant_id', true), '') IN ('', tenant_id));
-- Enabled and not forced.
ALTER TABLE attacks.unforced ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_hand ON attacks.unforced USING (tenant_id = current_setting('app.tenant_id'));
-- "Declare it IMMUTABLE, it is faster."
CREATE FUNCTION attacks.my_tenant() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN current_setting('app.tenant_id'); END $$;
ALTER TABLE attacks.constant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY by_hand ON attacks.constant USING (tenant_id = attacks.my_tenant());
-- A helper without a search_path of its own.
CREATE FUNCTION attacks.helper() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN lower(current_setting('app.tenant_id')); END $$;
ALTER TABLE attacks.helped ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY by_hand ON attacks.helped USING (tenant_id = attacks.helper());
