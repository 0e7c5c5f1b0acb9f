-- What operators and CI look at: health(), the protection view, and who may see them.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

SET client_min_messages = warning;
-- Roles of the server that this test runs on are none of its business.
CREATE VIEW healthy AS SELECT "check", ok, regexp_replace(detail, '\m\d+\.\d+\.\d+\M', 'X.Y.Z', 'g') AS detail
  FROM tenant_guard.health() WHERE "check" NOT IN ('bypassing_roles', 'unguarded_roles');
SELECT "check" FROM tenant_guard.health() ORDER BY "check" COLLATE "C";
SELECT * FROM healthy;

CREATE ROLE regress_tg_app LOGIN;
CREATE ROLE regress_tg_group;
CREATE ROLE regress_tg_member LOGIN IN ROLE regress_tg_group;
CREATE ROLE regress_tg_nobody LOGIN;
CREATE ROLE regress_tg_bypass LOGIN BYPASSRLS;
CREATE SCHEMA saas;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea), tenant_guard.add_jwk(:'es_jwk')) AS added;
SELECT tenant_guard.retire_key('es');
CREATE TABLE saas.good (tenant_id uuid NOT NULL, id int, PRIMARY KEY (tenant_id, id));
CREATE TABLE saas.no_index (tenant_id uuid);
CREATE TABLE saas.parted (tenant_id uuid NOT NULL, id int) PARTITION BY RANGE (id);
CREATE TABLE saas.part PARTITION OF saas.parted DEFAULT;
CREATE TABLE saas.forgotten (v text);
CREATE TABLE saas.countries (v text);
SET tenant_guard.auto_protect = off;
CREATE TABLE saas.before (tenant_id uuid);
RESET tenant_guard.auto_protect;
CREATE VIEW saas.a_view AS SELECT * FROM saas.good;
CREATE MATERIALIZED VIEW saas.a_matview AS SELECT * FROM saas.good;
CREATE FOREIGN DATA WRAPPER regress_tg_fdw;
CREATE SERVER regress_tg_server FOREIGN DATA WRAPPER regress_tg_fdw;
CREATE FOREIGN TABLE saas.a_foreign_table (tenant_id uuid) SERVER regress_tg_server;
CREATE SEQUENCE saas.a_sequence;
CREATE TEMPORARY TABLE a_temporary_table (tenant_id uuid);
SELECT tenant_guard.declare_shared('saas.countries', 'ISO 3166');
GRANT SELECT ON saas.good TO regress_tg_app, regress_tg_group;
GRANT USAGE ON SCHEMA saas TO regress_tg_app;

SELECT relation, kind, status, tenant_column, reason, findings FROM tenant_guard.protection
 WHERE relation::text ~ '^saas|temporary' ORDER BY relation::text;
SELECT * FROM healthy;
-- Login roles with rights on protected tables that are not guarded always, also through a group; and
-- those that bypass row security.
SELECT u AS unguarded FROM tenant_guard.unguarded_roles() u WHERE u::text ~ '^regress_tg' ORDER BY u::text;
SELECT ok, detail ~ 'regress_tg_bypass' AS names_it FROM tenant_guard.health() WHERE "check" = 'bypassing_roles';
SELECT ok, detail ~ 'regress_tg_app' AS names_app, detail ~ 'regress_tg_member' AS names_member,
       detail ~ 'regress_tg_nobody' AS names_nobody
  FROM tenant_guard.health() WHERE "check" = 'unguarded_roles';
SELECT tenant_guard.guard_role('regress_tg_app'), tenant_guard.guard_role('regress_tg_member', 'authenticated');
SELECT u AS unguarded FROM tenant_guard.unguarded_roles() u WHERE u::text ~ '^regress_tg' ORDER BY u::text;
SELECT tenant_guard.guard_role('regress_tg_member');
SELECT count(*) AS unguarded FROM tenant_guard.unguarded_roles() u WHERE u::text ~ '^regress_tg';

-- Put in order, it says so.
SELECT FROM tenant_guard.protect('saas.before');
SELECT tenant_guard.declare_shared('saas.forgotten', 'not forgotten');
DROP MATERIALIZED VIEW saas.a_matview;
ALTER VIEW saas.a_view SET (security_invoker);
DROP FOREIGN DATA WRAPPER regress_tg_fdw CASCADE;
ALTER TABLE saas.no_index ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE saas.before ALTER COLUMN tenant_id SET NOT NULL;
CREATE INDEX ON saas.no_index (tenant_id);
CREATE INDEX ON saas.before (tenant_id);
CREATE INDEX ON saas.parted (tenant_id);
ALTER VIEW saas.a_view SET (security_invoker = true);
SELECT * FROM healthy;

-- Nobody sees it but to whom it is granted.
SET ROLE regress_tg_nobody;
\set VERBOSITY sqlstate
SELECT * FROM tenant_guard.health();
SELECT * FROM tenant_guard.protection;
SELECT * FROM tenant_guard.keys;
SELECT tenant_guard.unguarded_roles();
SELECT tenant_guard.library_version();
\set VERBOSITY default
RESET ROLE;
GRANT EXECUTE ON FUNCTION tenant_guard.health() TO regress_tg_nobody;
GRANT SELECT ON tenant_guard.protection TO regress_tg_nobody;
SET ROLE regress_tg_nobody;
SELECT ok FROM tenant_guard.health() WHERE "check" = 'library_preloaded';
SELECT status FROM tenant_guard.protection WHERE relation::text = 'saas.good';
RESET ROLE;

DELETE FROM tenant_guard.guarded_roles;
DROP VIEW healthy;
DROP SCHEMA saas CASCADE;
DROP TABLE a_temporary_table;
DELETE FROM tenant_guard.signing_keys;
DROP OWNED BY regress_tg_app, regress_tg_group, regress_tg_member, regress_tg_nobody, regress_tg_bypass;
DROP ROLE regress_tg_app, regress_tg_group, regress_tg_member, regress_tg_nobody, regress_tg_bypass;
