# Nobody gets a tenant, or less of a guard, from what a session starts with: connection options, defaults of roles and
# databases, the configuration file.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $node = start_sample('main');
my $id = $tenant{acme}{id};
my $token = mint('acme');
my $read = 'SELECT notes FROM customers';
my @forged = ($id, "1;9223372036854775807;1;36:${id}6:user_a2:hs15:user_attributes2:{}");

# Refused at the door, or let in without what was asked for.
sub opens_nothing
{
    my ($name, %as) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($rows, $error) = run_sql($node, "SHOW tenant_guard.tenant_id;\n$read;\nSELECT full_name FROM customer_names;", %as);
    ok($rows =~ /^\s*$/ && $error =~ /(?:ERROR|FATAL):/, $name) or diag("rows: $rows\nerrors: $error");
}

for my $option ((map { "tenant_guard.tenant_id=$_" } @forged), "tenant_guard.token=$token", 'tenant_guard.enforce=off',
    'tenant_guard.enforce=warn')
{
    local $ENV{PGOPTIONS} = "-c $option";
    (my $shown = $option) =~ s/=.{20}\K.*/.../;
    opens_nothing("PGOPTIONS $shown opens nothing");
}
for my $option ('tenant_guard.enforce=off', 'tenant_guard.expiry=transaction', 'tenant_guard.require_exp=off',
    'tenant_guard.session_state=reset', 'tenant_guard.tenant_column=id', 'tenant_guard.auto_protect=off')
{
    local $ENV{PGOPTIONS} = "-c $option";
    my ($out, $error) = run_sql($node, 'SELECT 1');
    like($error, qr/permission denied to set parameter/, "app cannot start with $option");
}

# Defaults, asked for by app and by the administrator.
refuses($node, "ALTER ROLE app SET tenant_guard.tenant_id = '$id'", '42501', 'app cannot give itself a default tenant');
refuses($node, "ALTER ROLE app SET tenant_guard.enforce = 'off'", '42501', 'nor a default mode');
refuses($node, 'ALTER ROLE app RESET tenant_guard.enforce', '42501', 'nor take its mode away');
refuses($node, 'ALTER ROLE app RESET ALL', '42501', 'nor all its defaults');
refuses($node, "ALTER ROLE app SET tenant_guard.tenant_id = '$_'", '42501', 'the superuser cannot give a role a tenant', user => '')
  for @forged;
refuses($node, "ALTER DATABASE sample SET tenant_guard.tenant_id = '$id'", '42501', 'nor a database', user => '');
refuses($node, "ALTER SYSTEM SET tenant_guard.tenant_id = '$id'", '(?:42501|22023|55P02)', 'nor the server', user => '');
refuses($node, "SET tenant_guard.tenant_id = '$id'", '42501', 'nor itself', user => '');
my ($granted) = run_sql($node, 'GRANT SET ON PARAMETER tenant_guard.tenant_id TO app', user => '');
refuses($node, "SET tenant_guard.tenant_id = '$id'", '42501', 'GRANT SET ON PARAMETER is worth nothing');
{
    local $ENV{PGOPTIONS} = "-c tenant_guard.tenant_id=$forged[1]";
    opens_nothing('not with PGOPTIONS either');
}

# Planted while the library was away, when nothing could refuse it.
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
$node->safe_psql('postgres', "ALTER ROLE app IN DATABASE sample SET tenant_guard.tenant_id = '$forged[1]'");
$node->safe_psql('postgres', "ALTER DATABASE sample SET tenant_guard.tenant_id = '$forged[1]'");
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'tenant_guard'");
$node->restart;
opens_nothing('a default planted without the library opens nothing');
gives($node, "BEGIN;\n" . authenticate(mint('globex')) . 'SELECT count(DISTINCT tenant_id) FROM customers',
    qr/^$tenant{globex}{id}\n1\b/m, 'and keeps nobody out');
$node->safe_psql('postgres', 'ALTER ROLE app IN DATABASE sample RESET ALL; ALTER DATABASE sample RESET ALL');

# In the file: read while the server runs, and when it starts.
my $open = session($node);
for my $value (@forged)
{
    $node->append_conf('postgresql.conf', "tenant_guard.tenant_id = '$value'");
    $node->reload;
    $node->safe_psql('postgres', 'SELECT pg_sleep(0.3)');
    refuses($open, $read, '28000', 'a setting in postgresql.conf opens nothing in an open session');
    opens_nothing('nor in a new one');
}
if ($node->restart(fail_ok => 1))
{
    opens_nothing('nor after a restart');
}
else
{
    pass('the server does not start with it');
}
done_testing();
