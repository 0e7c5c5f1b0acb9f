-- The two roles of the sample: who owns the tables, and who serves every tenant through the pool.
-- Neither is a superuser, and neither may bypass row security; app owns nothing.
-- Roles belong to the cluster: this file may be run again.

SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'saas_owner') AS no_saas_owner,
       NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') AS no_app \gset

\if :no_saas_owner
CREATE ROLE saas_owner NOLOGIN;
\endif
\if :no_app
CREATE ROLE app LOGIN;
\endif

\unset no_saas_owner
\unset no_app
