# Restrictions by attribute and secure views survive a dump and its restore: with the copy's own policies and views, as
# they would be made there.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils;
use TenantGuard;

my $node = start_sample('main');
my $directory = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('sample', <<'END');
SELECT tenant_guard.restrict_by_attribute('users', 'role', 'role');
CREATE TABLE parts (tenant_id uuid NOT NULL, region text, day int) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
SELECT tenant_guard.restrict_by_attribute('parts', 'region', 'region');
INSERT INTO parts SELECT id, region, 1 FROM tenants, (VALUES ('EU'), ('APAC')) AS r (region);
GRANT SELECT ON parts, parts_1 TO app;
CREATE MATERIALIZED VIEW totals AS SELECT tenant_id, region, count(*) AS n FROM parts GROUP BY 1, 2;
GRANT SELECT ON totals TO app;
SELECT tenant_guard.secure_view('totals');
SELECT tenant_guard.restrict_by_attribute('totals', 'region', 'region');
END
my $facts = q{SELECT p.relation::text, p.how, p.findings, tenant_guard.has_isolation_policy(p.relation, p.tenant_column) OR tenant_guard.secure_view_of(p.relation) IS NOT NULL
  FROM tenant_guard.protection p WHERE status = 'protected' ORDER BY 1};
my $eu = mint('acme', '--attr', 'region=EU');
my $seen = "BEGIN;\n" . authenticate($eu)
  . 'SELECT DISTINCT role FROM users; SELECT region, count(*) FROM parts GROUP BY 1; SELECT region, count(*) FROM parts_1 GROUP BY 1;'
  . 'SELECT region, n FROM totals_secure;';
my $expected = "$tenant{acme}{id}\nviewer\nEU|1\nEU|1\nEU|1";
gives($node, $seen, $expected, 'a tenant sees its rows of its region');
gives($node, "BEGIN;\n" . authenticate(mint('acme', '--without', 'user_attributes')) . 'SELECT count(*) FROM users;',
    "$tenant{acme}{id}\n0", 'without the attribute it sees none');

$node->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/dump", $node->connstr('sample') ], 'pg_dump');
for my $jobs (1, 4)
{
    my $db = "copy_$jobs";
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    $node->command_ok([ 'pg_restore', '--exit-on-error', '-j', $jobs, '-d', $node->connstr($db), "$directory/dump" ],
        "pg_restore -j $jobs, without an error");
    is($node->safe_psql($db, $facts), $node->safe_psql('sample', $facts), 'restrictions and policies are as before');
    unlike($node->safe_psql($db, $facts), qr/\|f$/m, 'and each policy is as declared');
    add_test_key($node, $db);
    gives($node, $seen, $expected, 'a tenant sees the same in the copy', db => $db);
}

done_testing();
