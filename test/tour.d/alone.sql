-- Leaves only one tenant's rows in a copy of the sample: the answer of this database is the answer a tenant has to
-- get from the shared one, found without any row security.
--
--   psql -v tenant=UUID -d COPY -f alone.sql      as superuser, before anything is protected

BEGIN;
SET LOCAL search_path = public;
SET LOCAL session_replication_role = replica;   -- no cascades: each table is cut by itself

SELECT slug, number FROM tenants WHERE id = :'tenant' \gset

SELECT format('DELETE FROM %s WHERE tenant_id <> %L', c.oid::regclass,
              CASE a.atttypid WHEN 'uuid'::regtype THEN :'tenant' WHEN 'text'::regtype THEN :'slug' ELSE :'number' END)
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
\gexec
DELETE FROM tenants WHERE id <> :'tenant';
DELETE FROM customer_names n WHERE NOT EXISTS (SELECT FROM customers c WHERE c.id = n.customer_id);
REFRESH MATERIALIZED VIEW monthly_revenue_mv;
COMMIT;
