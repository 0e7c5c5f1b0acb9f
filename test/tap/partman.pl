# pg_partman makes, fills, attaches and detaches partitions by code of its own, called by an owner who is no superuser and by
# a role for maintenance: whatever it makes is protected with the parent, rows move to where they belong, and a tenant sees
# its own throughout.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $node = new_cluster('main');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE sample');
$node->safe_psql('sample', <<'END');
CREATE EXTENSION tenant_guard;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE ROLE app LOGIN;
CREATE ROLE owner LOGIN;
-- Who moves rows has to see them.
CREATE ROLE maintenance LOGIN BYPASSRLS IN ROLE owner;
CREATE SCHEMA logs AUTHORIZATION owner;
GRANT USAGE ON SCHEMA logs TO app;
GRANT ALL ON SCHEMA partman TO owner;
GRANT ALL ON ALL TABLES IN SCHEMA partman TO owner;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA partman TO owner;
GRANT CREATE ON DATABASE sample TO owner;
SELECT tenant_guard.guard_role('app');
END
add_test_key($node, 'sample');
my ($acme, $globex) = (mint('acme'), mint('globex'));

sub by
{
    my ($role, $sql) = @_;
    return $node->safe_psql('sample', $sql, connstr => $node->connstr('sample') . " user=$role");
}

# What a tenant gets, after the line that authenticate() returns.
sub as_tenant
{
    my ($token, $sql) = @_;
    my ($out, $err) = run_sql($node, "BEGIN;\n" . authenticate($token) . "$sql;\nCOMMIT;");
    $out =~ s/\A\S+\n?//;
    return "$out$err";
}

# Version 5 knows declarative partitioning only, and has another order of arguments.
my $is_old = $node->safe_psql('sample', q{SELECT extversion < '5' FROM pg_extension WHERE extname = 'pg_partman'}) eq 't';
my $type = $is_old ? ", p_type := 'native'" : '';
by('owner', <<"END");
CREATE TABLE logs.events (tenant_id uuid NOT NULL, at timestamptz NOT NULL, note text) PARTITION BY RANGE (at);
CREATE INDEX ON logs.events (tenant_id, at);
GRANT SELECT, INSERT, UPDATE, DELETE ON logs.events TO app;
SELECT partman.create_parent(p_parent_table := 'logs.events', p_control := 'at', p_interval := '1 day', p_premake := 2$type);
END

my $partitions = q{SELECT count(*), count(*) FILTER (WHERE status = 'protected' AND tenant_column = 'tenant_id'
    AND NOT findings && '{row security is disabled,row security is not forced,the isolation policy is missing or was changed}')
  FROM tenant_guard.protection WHERE relation IN (SELECT relid FROM pg_partition_tree('logs.events'))};
my ($made, $protected) = split /\|/, $node->safe_psql('sample', $partitions);
cmp_ok($made, '>=', 6, 'an owner who is no superuser makes partitions with pg_partman');
is($protected, $made, 'and all of them are protected, the default one too');

# One row each for today, and for a day for which there is no partition yet.
for ([ $acme, 'acme' ], [ $globex, 'globex' ])
{
    my ($token, $name) = @$_;
    as_tenant($token, "INSERT INTO logs.events (at, note) VALUES (now(), '$name today'), (now() + interval '9 days', '$name later')");
}
my $rows = q{SELECT note FROM logs.events ORDER BY note};
is(as_tenant($acme, $rows), "acme later\nacme today", 'a tenant sees its rows');
is($node->safe_psql('sample', 'SELECT count(*) FROM ONLY logs.events_default'), 2, 'some of which are in the default partition');

# An owner whom row security holds sees none of them, and pg_partman believes that there are none: nothing is lost.
by('owner', q{CALL partman.partition_data_proc('logs.events')});
is($node->safe_psql('sample', 'SELECT count(*) FROM ONLY logs.events_default'), 2, 'an owner under row security moves no row');

by('maintenance', q{CALL partman.partition_data_proc('logs.events')});
is($node->safe_psql('sample', 'SELECT count(*) FROM ONLY logs.events_default'), 0, 'a role with BYPASSRLS moves them to their partition');
by('maintenance', q{UPDATE partman.part_config SET premake = 14, retention = '1 day', retention_keep_table = true, infinite_time_partitions = true});
by('maintenance', q{SELECT partman.run_maintenance('logs.events')});
my ($made_later, $protected_later) = split /\|/, $node->safe_psql('sample', $partitions);
cmp_ok($made_later, '>', $made, 'maintenance makes more');
is($protected_later, $made_later, 'which are protected as well');
my $left = q{SELECT c.relname, r.status, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c
  LEFT JOIN tenant_guard.relations r ON r.relation = c.oid
 WHERE c.relnamespace = 'logs'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition};
like($node->safe_psql('sample', $left), qr/^(events_p\w+\|protected\|t\n?)+$/, 'what retention detached keeps its isolation');
is(as_tenant($acme, $rows), "acme later\nacme today", 'a tenant sees its rows as before');
is(as_tenant($globex, $rows), "globex later\nglobex today", 'and another its own');
my $moved_to = $node->safe_psql('sample', q{SELECT DISTINCT tableoid::regclass FROM logs.events WHERE note LIKE '% later'});
$node->safe_psql('sample', "GRANT SELECT ON $moved_to TO app");
is(as_tenant($acme, "SELECT note FROM $moved_to"), 'acme later', 'also where they were moved to, by its own name');

done_testing();
