# Parallel workers have the tenant of their leader: a count that they share is the count of one process, for every
# tenant, and the functions that read the context say the same in them.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils qw(slurp_file);
use TenantGuard;

# auto_explain tells how many workers were launched. EXPLAIN ANALYZE is refused to a tenant.
my $node = start_sample('main', preload => 'tenant_guard,auto_explain');
# Only now: with these, loading the sample would start workers for each of its small queries.
$node->append_conf('postgresql.conf', <<'END');
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
max_parallel_workers_per_gather = 2
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
enable_indexscan = off
enable_indexonlyscan = off
enable_bitmapscan = off
END
$node->restart;
$node->safe_psql('sample', <<'END');
CREATE TABLE measurements (tenant_id uuid NOT NULL, value int NOT NULL);
INSERT INTO measurements
SELECT CASE i % 3 WHEN 0 THEN 'e000342e-22c2-b525-5299-b35c4d538065' WHEN 1 THEN '6a4fb4a2-5f37-c199-ad1f-70a1760e373c'
            ELSE 'b0746d77-d249-0b67-ce79-c8883e4fe249' END::uuid, i
  FROM generate_series(1, 300000) i;
ANALYZE measurements;
GRANT SELECT ON measurements TO app;
END
gives($node, "SELECT status FROM tenant_guard.protection WHERE relation = 'measurements'::regclass", 'protected',
    'the table is protected', user => '');

my $log_end = 0;
sub workers_launched
{
    my $log = substr slurp_file($node->logfile), $log_end;
    $log_end += length $log;
    my $launched = 0;
    $launched += $1 while $log =~ /Workers Launched: (\d+)/g;
    return $launched;
}

my @queries = (
    [ 'a count', 'SELECT count(*), count(DISTINCT tenant_id), sum(value) FROM measurements' ],
    [ 'a count that asks each row for the tenant',
        'SELECT count(*), min(tenant_guard.tenant_id()), max(tenant_guard.tenant_id()) FROM measurements'
          . ' WHERE tenant_id = tenant_guard.tenant_id_uuid()' ],
    [ 'a count that asks each row for claims',
        'SELECT count(*) FROM measurements WHERE tenant_guard.attribute($$region$$) = $$EU$$'
          . ' AND tenant_guard.subject() = $$user_8c2f$$ AND tenant_guard.claim($$tenant_id$$) = tenant_id::text' ],
    [ 'an aggregate over a join', 'SELECT count(*) FROM measurements m JOIN tenants t ON t.id = m.tenant_id' ]);
for my $who (sort keys %tenant)
{
    my $begin = 'BEGIN;' . authenticate(mint($who));
    for my $row (@queries)
    {
        my ($what, $sql) = @$row;
        my $app = session($node);
        ask($app, $begin);
        workers_launched();
        my $together = ask($app, "$sql;");
        cmp_ok(workers_launched(), '>', 0, "$who, $what: workers are launched");
        ask($app, 'SET LOCAL max_parallel_workers_per_gather = 0;');
        workers_launched();
        my $alone = ask($app, "$sql;");
        is(workers_launched(), 0, "$who, $what: and none without");
        is($together, $alone, "$who, $what: the answer is the same");
        like($alone, qr/^100000\b/, "$who, $what: and is the tenant's");
        $app->quit;
    }
}

# After a savepoint took the tenant back, the workers have none either.
my $app = session($node);
ask($app, 'BEGIN; SAVEPOINT a;' . authenticate(mint('acme')) . 'ROLLBACK TO a;');
refuses($app, 'SELECT count(*) FROM measurements;', '28000', 'a tenant that was rolled back is in no worker');
$app->quit;

# Everything in a worker that can be: the setting's name changed in 16.
my $force = $node->safe_psql('postgres', "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
$node->append_conf('postgresql.conf', "$force = on");
$node->reload;
gives($node, "BEGIN;\n" . authenticate(mint('acme')) . "SELECT count(*), count(DISTINCT tenant_id) FROM customers;\n"
      . 'SELECT tenant_guard.tenant_id(), tenant_guard.attribute($$role$$);',
    qr/^$tenant{acme}{id}\n\d+\|1\n$tenant{acme}{id}\|viewer$/, 'whole queries in a worker');

# The leader has checked its plan, and nobody what the functions in it read.
$node->safe_psql('sample', <<'END');
CREATE FUNCTION as_superuser(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE SECURITY DEFINER
  AS $$BEGIN RETURN (SELECT count(DISTINCT tenant_id) FROM measurements WHERE value < 100); END$$;
CREATE FUNCTION forgotten(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE
  AS $$BEGIN RETURN (SELECT count(*) FROM customer_names); END$$;
CREATE FUNCTION as_client(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE
  AS $$BEGIN RETURN (SELECT count(DISTINCT tenant_id) FROM measurements WHERE value < 100); END$$;
END
for my $row ([ 'as_superuser', qr/does not apply.*parallel worker/s ], [ 'forgotten', qr/is not protected.*parallel worker/s ])
{
    my ($function, $message) = @$row;
    refuses($node, "\\set SHOW_CONTEXT errors\n\\o /dev/null\nBEGIN;\n" . authenticate(mint('acme')) . "\\o\nSELECT $function(1);",
        '42501', "in a worker: $function() is refused", message => $message);
}
gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT as_client(1);', "$tenant{acme}{id}\n1",
    'in a worker: a function that reads as the client sees the tenant');

# A vouched function is known where it runs. What it reads stays in its process, as a worker would not know of it.
$node->safe_psql('sample', <<'END');
CREATE FUNCTION all_by_helper() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$BEGIN RETURN (SELECT max(as_client(value)) FROM measurements WHERE value < 10); END$$;
SELECT tenant_guard.allow_function('as_superuser(int)', 'test'), tenant_guard.allow_function('all_by_helper()', 'test');
END
my $log_start = -s $node->logfile;
for my $function ('as_superuser(1)', 'all_by_helper()')
{
    gives($node, "BEGIN;\n" . authenticate(mint('acme')) . "SELECT $function;", "$tenant{acme}{id}\n3",
        "vouched for: $function crosses tenants");
}
is(count_log_lines($node, qr/tenant_guard event=cross_tenant object="public.measurements" function="public.as_superuser\(integer\)" role="app" tenant="$tenant{acme}{id}"/, $log_start),
    1, 'and the log says so, once for a call');
is(count_log_lines($node, qr/tenant_guard event=cross_tenant .*all_by_helper/, $log_start), 1, 'also of what it reads by other functions');
gives($node, "SELECT string_agg(uses::text, ',') FROM tenant_guard.allowed_functions", '1,1', 'the use in a worker is counted', user => '');
done_testing();
