-- Statistics, sizes, counters and estimates: what can be concluded without reading a row. docs/threat-model.md, "Side
-- channels", says of each how it is closed or why it remains.

-- attack E01 leak
-- pg_stats of a protected table
SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE schemaname = 'attacks';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM pg_class;

-- attack E09 leak
-- pg_stats of what nobody protected, of a partition
SELECT histogram_bounds::text, most_common_vals::text FROM pg_stats WHERE schemaname = 'attacks' AND tablename = 'forgotten';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM pg_class;

-- attack E01b leak
-- The catalog behind it
SELECT stavalues1::text FROM pg_statistic;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT count(*) FROM pg_class;

-- attack E23 leak
-- pg_stats_ext and pg_stats_ext_exprs
-- before
CREATE STATISTICS attacks.both ON (lower(secret)) FROM attacks.forgotten;
ANALYZE attacks.forgotten;
-- b
SELECT histogram_bounds::text, most_common_vals::text FROM pg_stats_ext_exprs;
-- after
DROP STATISTICS attacks.both;
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT count(*) FROM pg_statistic_ext;

-- attack E02 oracle
-- "Rows Removed by Filter" of EXPLAIN ANALYZE counts the rows of others
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT 1 FROM attacks.accounts WHERE email || '' = '{guess}';
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT 1 FROM attacks.accounts WHERE email = '{guess}';
-- guarded: refused 42501
-- by hand: succeeds
-- control
EXPLAIN SELECT 1 FROM attacks.accounts;

-- attack E05 oracle
-- EXPLAIN (ANALYZE, BUFFERS) of an index that does not lead with the tenant
SET LOCAL enable_seqscan = off;
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT 1 FROM attacks.accounts WHERE email = '{guess}';
-- guarded: refused 42501
-- by hand: succeeds
-- control
EXPLAIN (COSTS OFF) SELECT 1 FROM attacks.accounts;

-- attack E04 oracle
-- Counters of the own transaction count filtered rows
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM attacks.accounts WHERE email = '{guess}';
SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'accounts';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM attacks.accounts;

-- attack E04b oracle
-- The same by the functions behind the view
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM attacks.accounts WHERE email = '{guess}';
SELECT pg_stat_get_xact_tuples_fetched('attacks.accounts_email_key'::regclass), pg_stat_get_xact_tuples_returned('attacks.accounts_email_key'::regclass);
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM attacks.accounts;

-- attack E11 leak
-- An operator of one's own with RESTRICT = eqsel is given the most common values
CREATE FUNCTION pg_temp.spy(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'saw %', $1; END $$;
CREATE OPERATOR pg_temp.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.spy, RESTRICT = eqsel);
EXPLAIN SELECT 1 FROM attacks.accounts WHERE secret OPERATOR(pg_temp.===) 'x' AND tenant_id = 'nobody';
-- guarded: refused 42501
-- by hand: safe
-- control
EXPLAIN SELECT 1 FROM attacks.accounts;

-- attack E13 leak shows [1-9]
-- Counters of writes to every table
SELECT n_tup_ins FROM pg_stat_user_tables WHERE schemaname = 'attacks' UNION ALL SELECT 7;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT count(*) FROM pg_class;

-- attack E15 leak
-- Pages as they are
SELECT pg_relation_filepath('attacks.accounts') || 'canary-a';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack E14 leak shows [1-9]
-- Sizes
SELECT pg_relation_size('attacks.accounts');
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT pg_column_size(secret) FROM attacks.accounts;

-- attack E14b leak shows [1-9]
-- The size of the database
SELECT pg_database_size(current_database());
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack E17 leak
-- System columns and places
SELECT secret FROM attacks.accounts WHERE ctid = '(0,1)';
SELECT tableoid::regclass, xmin, ctid FROM attacks.accounts WHERE tenant_id = '{a}';
-- guarded: harmless
-- by hand: safe
-- control
SELECT ctid, secret FROM attacks.accounts;

-- attack E17b oracle
-- currtid2() says whether a row is at a place
SELECT currtid2('attacks.accounts', CASE '{guess}' WHEN '1@a' THEN '(0,1)' ELSE '(0,200)' END::tid);
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT ctid FROM attacks.accounts;

-- attack E18 leak shows [1-9]
-- Gaps in the ids of own rows, and their places, tell the volume of others
SELECT max(id) - count(*) FROM attacks.accounts;
-- guarded: remains volume
-- untrusted: remains volume
-- by hand: succeeds

-- attack E19 leak shows 47
-- The last value of a sequence
SELECT last_value FROM attacks.numbers;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT nextval('attacks.numbers');

-- attack E19b leak shows 47
-- The last value by pg_sequences
SELECT last_value FROM pg_sequences WHERE sequencename = 'numbers';
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT nextval('attacks.numbers');

-- attack E19c leak shows \d
-- What nextval() returned to the tenant before
-- first
SELECT nextval('attacks.numbers');
-- b
SELECT lastval(), currval('attacks.numbers');
-- guarded: harmless 55000
-- by hand: succeeds
-- control
SELECT nextval('attacks.numbers');

-- attack E20 leak shows /
-- How much the cluster writes
SELECT pg_current_wal_lsn();
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack E20b leak shows \d
-- Transaction ids
SELECT pg_current_snapshot(), xmin FROM attacks.accounts;
-- guarded: remains activity
-- by hand: succeeds

-- attack O55 leak shows committed
-- When others committed
SELECT pg_xact_status(xmin::text::xid8) FROM attacks.accounts;
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT xmin FROM attacks.accounts;

-- attack E24 leak shows [1-9]
-- reltuples and relpages
SELECT reltuples FROM pg_class WHERE oid = 'attacks.accounts'::regclass;
-- guarded: remains row estimates of EXPLAIN
-- by hand: succeeds

-- attack E24b leak shows rows=[2-9]
-- Row estimates of EXPLAIN
EXPLAIN SELECT 1 FROM attacks.accounts;
-- guarded: remains row estimates of EXPLAIN
-- by hand: succeeds

-- attack E25 oracle
-- Pruning says which tenants have partitions
EXPLAIN (COSTS OFF) SELECT 1 FROM attacks.by_tenant WHERE tenant_id = CASE '{guess}' WHEN '1@a' THEN '{a}' ELSE 'nobody' END;
-- guarded: remains names in catalogs
-- by hand: succeeds

-- attack K09 leak
-- Names in catalogs
SELECT 'canary-a' FROM pg_class WHERE relname = 'by_tenant_a';
-- guarded: remains names in catalogs
-- by hand: succeeds

-- attack D17 leak shows \d
-- The sequence that all tenants draw from
SELECT nextval('attacks.accounts_id_seq');
-- guarded: remains volume
-- by hand: succeeds

-- attack E26 leak shows rows=1\b
-- The planner asks the index for the largest value of all tenants and estimates with it: a bisection finds it
EXPLAIN SELECT 1 FROM attacks.accounts WHERE id > 999999;
-- guarded: remains row estimates of EXPLAIN
-- by hand: succeeds

-- attack E20c leak shows \d
-- Counters of the database
SELECT xact_commit FROM pg_stat_database WHERE datname = current_database();
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack E06 leak shows accounts
-- Which relations are in the buffers, and how full the visibility map is (needs pg_buffercache, pg_visibility)
SELECT relname FROM attacks.pg_buffercache b JOIN pg_class c ON b.relfilenode = pg_relation_filenode(c.oid) WHERE relname = 'accounts';
-- before
GRANT SELECT ON attacks.pg_buffercache TO {role};
GRANT EXECUTE ON FUNCTION attacks.pg_buffercache_pages() TO {role};
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack E07 leak shows [1-9]
-- Tuples on pages, also those of others (needs pgstattuple)
SELECT tuple_count FROM attacks.pgstattuple('attacks.accounts'::regclass);
-- before
GRANT EXECUTE ON FUNCTION attacks.pgstattuple(regclass) TO {role};
-- guarded: refused 42501
-- by hand: succeeds
-- control
SELECT 1;

-- attack E08 leak
-- Pages as they are (needs pageinspect): superusers only, whatever is granted
SELECT encode(attacks.get_raw_page('attacks.accounts', 0), 'escape');
-- before
GRANT EXECUTE ON FUNCTION attacks.get_raw_page(text, bigint) TO {role};
-- guarded: refused 42501
-- by hand: safe
-- control
SELECT 1;

-- attack E12 oracle
-- A leaky cast in a predicate, before the isolation
SELECT 1 FROM attacks.accounts WHERE email = '{guess}' AND secret::int > 0 AND tenant_id <> '{b}';
-- guarded: harmless
-- by hand: safe
-- control
SELECT 1 FROM attacks.accounts WHERE balance::text <> '';

-- attack E12b leak
-- A leaky predicate in a join with a protected table, where the planner would like to begin with it
SELECT 1 FROM attacks.countries c JOIN attacks.accounts a ON attacks.leak(a.secret) AND a.tenant_id = '{a}';
-- guarded: harmless
-- by hand: safe
-- control
SELECT 1 FROM attacks.countries c JOIN attacks.accounts a ON length(a.secret) > 0;

-- attack D18 leak shows canary-f
-- Whether another tenant holds an advisory lock, whose key may be an id
SELECT CASE WHEN pg_try_advisory_xact_lock(471111) THEN '' ELSE 'canary-f' END;
-- guarded: remains locks that others hold
-- by hand: succeeds
