-- What the DBA of the sample runs, as superuser, after CREATE EXTENSION tenant_guard and load.sql.
-- Left out: customer_names, which somebody forgot, and monthly_revenue_mv, on which row security is
-- impossible. The guard has to refuse both.

SELECT * FROM tenant_guard.protect('public.tenants', 'id');
SELECT * FROM tenant_guard.protect_all();

SELECT tenant_guard.declare_shared('public.countries', 'ISO 3166 list, same for everybody');
SELECT tenant_guard.declare_shared('public.plans', 'price list, same for everybody');

SELECT tenant_guard.guard_role('app');
