-- The roles of the sample: who owns the tables, who refreshes reports over all tenants, and who serves
-- every tenant through the pool. None is a superuser. Only saas_reporting may bypass row security: a
-- materialized view is refreshed as its owner, whom forced row security would show no rows; nobody can
-- log in as it. app owns nothing.
-- Roles belong to the cluster: this file may be run again.

SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'saas_owner') AS no_saas_owner,
       NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'saas_reporting') AS no_saas_reporting,
       NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') AS no_app \gset

\if :no_saas_owner
CREATE ROLE saas_owner NOLOGIN;
\endif
\if :no_saas_reporting
CREATE ROLE saas_reporting NOLOGIN BYPASSRLS;
\endif
\if :no_app
CREATE ROLE app LOGIN;
\endif

\unset no_saas_owner
\unset no_saas_reporting
\unset no_app
