# Under warn everything that always would refuse runs, and leaves the line that always would leave: what an operator
# counts before switching to always. The same list of statements under both modes, compared one by one.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils qw(slurp_file);
use TenantGuard;

my $node = start_sample('main');
# More rights than an application should have, so that nothing but the guard refuses.
$node->safe_psql('sample', <<'END');
GRANT ALL ON ALL TABLES IN SCHEMA public TO app;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app;
GRANT ALL ON SCHEMA public TO app;
GRANT pg_read_all_stats TO app;
CREATE TABLE emptied (id int);
GRANT ALL ON emptied TO app;
CREATE TABLE own (id int);
ALTER TABLE own OWNER TO app;
CREATE FUNCTION forgotten_per_row(int) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT count(*) FROM customer_names); END$$;
CREATE FUNCTION as_superuser() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN RETURN (SELECT count(*) FROM customers); END$$;
END

my $log_end = 0;
# What the lines say since the last call: sqlstate, object, reason, role and who it was.
sub events
{
    my $log = substr slurp_file($node->logfile), $log_end;
    $log_end += length $log;
    return map { /tenant_guard event=$_[0] (.*)/ ? $1 : () } split /\n/, $log;
}

sub counted
{
    my $counted = $node->safe_psql('sample', "SELECT string_agg(concat_ws('|', sqlstate, object, reason, count), E'\\n' ORDER BY 1)
        FROM tenant_guard.violations WHERE mode = '$_[0]'");
    $node->safe_psql('sample', 'SELECT tenant_guard.reset_violations()');
    return $counted;
}

# Each within a transaction of a tenant, in a connection of its own.
my @statements = (
    [ 'a forgotten table', 'SELECT count(*) FROM customer_names' ],
    [ 'the forgotten table through a view', 'SELECT count(*) FROM order_contacts' ],
    [ 'the forgotten table by COPY', 'COPY (SELECT count(*) FROM customer_names) TO STDOUT' ],
    [ 'the forgotten table by plain COPY', 'COPY customer_names TO STDOUT' ],
    [ 'a materialized view', 'SELECT count(*) FROM monthly_revenue_mv' ],
    [ 'a change of shared data', "UPDATE countries SET region = region WHERE code = 'DE'" ],
    [ 'an insert into the forgotten table', 'DELETE FROM customer_names WHERE customer_id < 0' ],
    [ 'TRUNCATE', 'TRUNCATE emptied' ],
    [ 'LOCK', 'LOCK TABLE customers IN ACCESS EXCLUSIVE MODE' ],
    [ 'EXPLAIN ANALYZE', 'EXPLAIN ANALYZE SELECT count(*) FROM customers' ],
    [ 'a session setting', 'SET search_path = public' ],
    [ 'session characteristics', 'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY' ],
    [ 'SET ROLE', 'SET ROLE app' ],
    [ 'a temporary table', 'CREATE TEMP TABLE leftover (id int)' ],
    [ 'a table', 'CREATE TABLE another (id int)' ],
    [ 'CREATE TABLE AS', 'CREATE TEMP TABLE copied AS SELECT 1 AS id' ],
    [ 'an index', 'CREATE INDEX ON own (id)' ],
    [ 'ALTER TABLE', 'ALTER TABLE own ADD COLUMN extra int' ],
    [ 'DROP TABLE', 'DROP TABLE own' ],
    [ 'a function', 'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$' ],
    [ 'GRANT', 'GRANT SELECT ON own TO saas_owner' ],
    [ 'ALTER ROLE', "ALTER ROLE app SET statement_timeout = '1min'" ],
    [ 'a cursor WITH HOLD', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1' ],
    [ 'PREPARE', 'PREPARE p AS SELECT 1' ],
    [ 'LISTEN', 'LISTEN channel' ],
    [ 'a session lock', 'SELECT pg_advisory_lock(1)' ],
    [ 'other sessions', 'SELECT count(*) FROM pg_stat_activity' ],
    [ 'the size of a table', "SELECT pg_relation_size('customers') > 0" ],
    [ 'a sequence', "SELECT last_value > 0 FROM events_id_seq" ],
    [ 'a large object', 'SELECT lo_create(0) > 0' ],
    [ 'a forgotten table, read for each row', 'SELECT forgotten_per_row(i) FROM generate_series(1, 50) i' ],
    [ 'a superuser\'s function', 'SELECT as_superuser()' ],
    [ 'a forgotten table in EXPLAIN', 'EXPLAIN SELECT * FROM customer_names' ],
    [ 'a forgotten table in a cursor', 'DECLARE c CURSOR FOR SELECT * FROM customer_names' ],
    [ 'a catalog', 'SELECT count(*) FROM pg_stats' ],
    [ 'a forgotten table in DO', 'DO $$BEGIN PERFORM * FROM customer_names; END$$' ]);
my $begin = 'BEGIN;' . authenticate(mint('acme'));

# After each, the transaction goes on from a savepoint.
my $after = 'ROLLBACK TO before; SELECT count(*), count(DISTINCT tenant_id) FROM orders;';
my (%refused, %counted, %afterwards);
for my $row (@statements)
{
    my ($what, $sql) = @$row;
    my $app = session($node);
    ask($app, "$begin SAVEPOINT before;");
    events('');
    like(ask($app, "$sql;"), qr/ERROR:  42501/, "always: $what is refused");
    my @events = events('statement_refused');
    is(@events, 1, "always: $what leaves one line");
    $refused{$what} = $events[0];
    $counted{$what} = counted('refused');
    $afterwards{$what} = ask($app, $after);
    $app->quit;
}
my @unauthenticated = ([ 'rows without a tenant', 'SELECT count(*) FROM customers' ],
    [ 'an aggregate over a join without a tenant', 'SELECT count(*) FROM tenants' ]);
refuses($node, $_->[1], '28000', "always: $_->[0] are refused") for @unauthenticated;

$node->safe_psql('sample', "SELECT tenant_guard.guard_role('app', 'warn')");
gives($node, 'SHOW tenant_guard.enforce', 'warn', 'the role is under warn');
for my $row (@statements)
{
    my ($what, $sql) = @$row;
    my $app = session($node);
    ask($app, "$begin SAVEPOINT before;");
    events('');
    unlike(ask($app, "$sql;"), qr/ERROR/, "warn: $what runs");
    my @events = events('statement_would_be_refused');
    is("@events", $refused{$what}, "warn: $what leaves the line that always leaves");
    is(counted('would_be_refused'), $counted{$what}, "warn: $what is counted as under always");
    is(ask($app, $after), $afterwards{$what}, 'warn: what follows is as under always');
    unlike(ask($app, 'ROLLBACK;'), qr/ERROR/, "warn: and the transaction ends");
    $app->quit;
}
for my $row (@unauthenticated)
{
    my ($what, $sql) = @$row;
    events('');
    gives($node, $sql, '0', "warn: $what: the policies stay");
    is(scalar(events('statement_would_be_refused')), 1, "warn: $what leaves one line");
}

# Each that is met is named, for whoever mends them all at once.
my $app = session($node);
ask($app, $begin);
events('');
ask($app, 'SELECT count(*) FROM customer_names, monthly_revenue_mv;');
is(scalar(events('statement_would_be_refused')), 2, 'warn: two relations in one statement leave two lines');
$app->quit;

# What is allowed leaves no line, in either mode.
$app = session($node);
events('');
gives($app, $begin . 'SELECT count(DISTINCT tenant_id) FROM customers; COMMIT;', "$tenant{acme}{id}\n1", 'warn: the tenant still sees its rows only');
is(scalar(events('statement_would_be_refused')), 0, 'and what is allowed leaves no line');
refuses($app, "SET tenant_guard.tenant_id = '$tenant{acme}{id}';", '42501', 'warn: the tenant still cannot be forged');
refuses($app, authenticate('x'), '28T03', 'warn: a bad token is still refused');
$app->quit;
done_testing();
