-- What the attacks aim at: tables of two tenants, and the gaps that real schemas have. psql variables: role, a, b.
-- The grants are wider than an application should have, so that it is not for want of a right that an attack fails.
SET client_min_messages = warning;
SET tenant_guard.auto_protect = off;
CREATE ROLE attacks_owner;
CREATE ROLE attacks_super SUPERUSER;
CREATE ROLE attacks_bypass BYPASSRLS;
CREATE ROLE attacks_other;
GRANT attacks_other TO :"role";
GRANT TEMPORARY ON DATABASE :"DBNAME" TO :"role";
CREATE SCHEMA attacks AUTHORIZATION attacks_owner;
GRANT ALL ON SCHEMA attacks TO :"role", attacks_bypass, attacks_super;

SET ROLE attacks_owner;
CREATE TABLE attacks.accounts (
    tenant_id text NOT NULL,
    id        bigserial PRIMARY KEY,
    email     text UNIQUE,
    secret    text NOT NULL,
    balance   int NOT NULL DEFAULT 0
);
CREATE INDEX ON attacks.accounts (tenant_id);
CREATE TABLE attacks.items (
    tenant_id  text NOT NULL,
    account_id bigint REFERENCES attacks.accounts (id) ON DELETE CASCADE,
    secret     text
);
CREATE TABLE attacks.bookings (
    tenant_id text NOT NULL,
    room      int NOT NULL,
    secret    text,
    EXCLUDE USING btree (room WITH =)
);
CREATE TABLE attacks.tickets (
    tenant_id text NOT NULL,
    number    int UNIQUE DEFERRABLE INITIALLY DEFERRED,
    secret    text
);
CREATE TABLE attacks.events (tenant_id text NOT NULL, at int NOT NULL, secret text) PARTITION BY RANGE (at);
CREATE TABLE attacks.events_1 PARTITION OF attacks.events FOR VALUES FROM (0) TO (10);
CREATE TABLE attacks.by_tenant (tenant_id text NOT NULL, secret text) PARTITION BY LIST (tenant_id);
CREATE TABLE attacks.by_tenant_a PARTITION OF attacks.by_tenant FOR VALUES IN (:'a');
CREATE TABLE attacks.by_tenant_b PARTITION OF attacks.by_tenant FOR VALUES IN (:'b');
CREATE TABLE attacks.old_items () INHERITS (attacks.items);
-- What nobody isolated.
CREATE TABLE attacks.forgotten (tenant_id text, secret text);
CREATE TABLE attacks.organisations (organisation text, secret text);
CREATE TABLE attacks.log (tenant_id text, secret text);
CREATE TABLE attacks.queue (id serial, secret text);
CREATE TABLE attacks.countries (code text PRIMARY KEY, vat int NOT NULL);
CREATE TABLE attacks.settings (name text, value text);
CREATE TABLE attacks.toasted (tenant_id text, secret text);
ALTER TABLE attacks.toasted ALTER COLUMN secret SET STORAGE EXTERNAL;
CREATE SEQUENCE attacks.numbers;
-- What weaker policies than the ordinary ones are on, where they are made by hand.
CREATE TABLE attacks.loose (tenant_id text NOT NULL, secret text);
CREATE TABLE attacks.unforced (tenant_id text NOT NULL, secret text);
CREATE TABLE attacks.constant (tenant_id text NOT NULL, secret text);
CREATE TABLE attacks.helped (tenant_id text NOT NULL, secret text);

INSERT INTO attacks.accounts (tenant_id, email, secret, balance)
    SELECT t, n || '@' || name, CASE name WHEN 'a' THEN 'canary-a-' ELSE 'own-b-' END || n, n
      FROM (VALUES (:'a', 'a'), (:'b', 'b')) tenant (t, name), generate_series(1, 3) n;
INSERT INTO attacks.items SELECT tenant_id, id, secret FROM attacks.accounts;
INSERT INTO attacks.old_items SELECT tenant_id, id, secret FROM attacks.accounts;
INSERT INTO attacks.bookings SELECT tenant_id, id, secret FROM attacks.accounts;
INSERT INTO attacks.tickets SELECT tenant_id, id, secret FROM attacks.accounts;
INSERT INTO attacks.events SELECT tenant_id, balance, secret FROM attacks.accounts;
INSERT INTO attacks.by_tenant SELECT tenant_id, secret FROM attacks.accounts;
INSERT INTO attacks.forgotten SELECT tenant_id, secret FROM attacks.accounts;
INSERT INTO attacks.organisations SELECT tenant_id, secret FROM attacks.accounts;
INSERT INTO attacks.log SELECT tenant_id, secret FROM attacks.accounts;
INSERT INTO attacks.queue (secret) SELECT secret FROM attacks.accounts;
INSERT INTO attacks.countries VALUES ('DE', 19), ('FR', 20);
INSERT INTO attacks.loose SELECT tenant_id, secret FROM attacks.accounts;
INSERT INTO attacks.unforced SELECT tenant_id, secret FROM attacks.accounts;
INSERT INTO attacks.constant SELECT tenant_id, secret FROM attacks.accounts;
INSERT INTO attacks.helped SELECT tenant_id, secret FROM attacks.accounts;
INSERT INTO attacks.settings VALUES ('secret', 'canary-a');
INSERT INTO attacks.toasted SELECT tenant_id, secret || repeat('x', 4000) FROM attacks.accounts;
SELECT setval('attacks.numbers', 4711) \g /dev/null
ANALYZE attacks.accounts, attacks.events, attacks.by_tenant, attacks.by_tenant_a, attacks.forgotten;

CREATE VIEW attacks.accounts_view AS SELECT * FROM attacks.accounts;
CREATE VIEW attacks.unforced_view AS SELECT * FROM attacks.unforced;
CREATE VIEW attacks.accounts_barrier WITH (security_barrier) AS SELECT * FROM attacks.accounts;
CREATE VIEW attacks.accounts_invoker WITH (security_invoker) AS SELECT * FROM attacks.accounts;
CREATE VIEW attacks.forgotten_view AS SELECT * FROM attacks.forgotten;
CREATE VIEW attacks.nested_view AS SELECT a.tenant_id, f.secret FROM attacks.accounts_view a CROSS JOIN attacks.forgotten_view f;
CREATE VIEW attacks.report AS SELECT a.tenant_id, a.secret, i.account_id FROM attacks.accounts a JOIN attacks.items i ON i.account_id = a.id;
CREATE VIEW attacks.bypass_view AS SELECT * FROM attacks.accounts;
CREATE VIEW attacks.super_view AS SELECT * FROM attacks.accounts;
CREATE MATERIALIZED VIEW attacks.totals AS SELECT tenant_id, max(secret) AS secret FROM attacks.accounts GROUP BY 1;

CREATE FUNCTION attacks.all_accounts() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER AS
    $$ SELECT secret FROM attacks.accounts $$;
CREATE FUNCTION attacks.first_account(int) RETURNS text LANGUAGE plpgsql PARALLEL SAFE SECURITY DEFINER AS
    $$ BEGIN RETURN (SELECT min(secret) FROM attacks.accounts); END $$;
CREATE FUNCTION attacks.first_forgotten(int) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS
    $$ BEGIN RETURN (SELECT min(secret) FROM attacks.forgotten); END $$;
CREATE FUNCTION attacks.find_account(wanted text) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN RETURN QUERY EXECUTE 'SELECT secret FROM attacks.accounts WHERE email = ''' || wanted || ''''; END $$;
-- A SECURITY DEFINER function that lets the caller say where names are looked up.
CREATE FUNCTION attacks.setting_of(wanted text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN RETURN (SELECT value FROM settings WHERE name = wanted); END $$;
CREATE FUNCTION attacks.forgotten_inlined() RETURNS SETOF attacks.forgotten LANGUAGE sql STABLE AS
    $$ SELECT * FROM attacks.forgotten $$;
CREATE FUNCTION attacks.forgotten_plpgsql() RETURNS SETOF text LANGUAGE plpgsql AS
    $$ BEGIN RETURN QUERY SELECT secret FROM attacks.forgotten; END $$;
CREATE FUNCTION attacks.forgotten_atomic() RETURNS SETOF text LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT secret FROM attacks.forgotten; END;
CREATE FUNCTION attacks.forgotten_cursor() RETURNS refcursor LANGUAGE plpgsql AS
    $$ DECLARE c refcursor := 'given'; BEGIN OPEN c FOR SELECT secret FROM attacks.forgotten; RETURN c; END $$;
CREATE FUNCTION attacks.accounts_cursor() RETURNS refcursor LANGUAGE plpgsql AS
    $$ DECLARE c refcursor := 'given'; BEGIN OPEN c FOR SELECT secret FROM attacks.accounts; RETURN c; END $$;
CREATE PROCEDURE attacks.commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; PERFORM FROM attacks.accounts; END $$;
-- The usual audit trigger.
CREATE FUNCTION attacks.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO attacks.log VALUES (NEW.tenant_id, NEW.secret); RETURN NEW; END $$;
CREATE TABLE attacks.noted (tenant_id text NOT NULL, secret text);
CREATE TRIGGER note AFTER INSERT ON attacks.noted FOR EACH ROW EXECUTE FUNCTION attacks.note();
CREATE TABLE attacks.ruled (tenant_id text NOT NULL, secret text);
CREATE RULE ruled AS ON INSERT TO attacks.ruled DO ALSO INSERT INTO attacks.forgotten VALUES (NEW.tenant_id, NEW.secret);
-- What tells the tenants' own program that something changed.
CREATE FUNCTION attacks.announce() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('attacks', NEW.secret); RETURN NEW; END $$;
CREATE TABLE attacks.announced (tenant_id text NOT NULL, secret text);
CREATE TRIGGER announce AFTER INSERT ON attacks.announced FOR EACH ROW EXECUTE FUNCTION attacks.announce();
-- Says that parallel workers may set.
CREATE FUNCTION attacks.forge(name text, value text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS
    $$ BEGIN RETURN set_config(name, value, true); END $$;
-- Leaky: says what it was given.
CREATE FUNCTION attacks.leak(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
    $$ BEGIN RAISE EXCEPTION 'saw %', value; END $$;

RESET ROLE;
ALTER VIEW attacks.bypass_view OWNER TO attacks_bypass;
ALTER VIEW attacks.super_view OWNER TO attacks_super;
ALTER VIEW attacks.report OWNER TO attacks_super;
ALTER FUNCTION attacks.all_accounts OWNER TO attacks_super;
ALTER FUNCTION attacks.setting_of OWNER TO attacks_super;
ALTER FUNCTION attacks.first_account OWNER TO attacks_super;
ALTER FUNCTION attacks.find_account OWNER TO attacks_super;
GRANT ALL ON ALL TABLES IN SCHEMA attacks TO :"role", attacks_bypass;
GRANT ALL ON ALL SEQUENCES IN SCHEMA attacks TO :"role";
-- What application roles come to own, because migrations ran as them.
CREATE TABLE attacks.of_role (tenant_id text NOT NULL, secret text);
INSERT INTO attacks.of_role SELECT tenant_id, secret FROM attacks.accounts;
ALTER TABLE attacks.of_role OWNER TO :"role";
SELECT lo_from_bytea(471100, 'canary-a') \g /dev/null
ALTER LARGE OBJECT 471100 OWNER TO :"role";
