# The library is not in shared_preload_libraries: forgotten, or lost with a configuration file. Nobody can be
# authenticated, the policies let no row through, and every error names the setting. Loading the library into one
# session must not count as having it, because it could not vouch for what that session did before.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $setting = qr/shared_preload_libraries/;

my $without = new_cluster('without', preload => '');
$without->start;
refuses($without, 'CREATE EXTENSION tenant_guard', '55000', 'CREATE EXTENSION names the setting',
    message => $setting, db => 'postgres', user => '');
gives($without, "SELECT count(*) FROM pg_extension WHERE extname = 'tenant_guard'", '0', 'and leaves nothing behind',
    db => 'postgres', user => '');
$without->stop;

my $node = start_sample('main');
my $token = mint('acme');
gives($node, "BEGIN;\n" . authenticate($token) . 'SELECT count(*) > 0 FROM customers', "$tenant{acme}{id}\nt",
    'with the library the tenant reads its rows');

$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;

my $read = 'SELECT notes FROM customers';
my %attempts = (
    'authenticate' => authenticate($token),
    'a read' => $read,
    'an owner\'s view' => 'SELECT total FROM order_totals',
    'a security_invoker view' => 'SELECT revenue FROM customer_revenue',
    'an INSERT that relies on the default' => "INSERT INTO products (sku, name, category, price) VALUES ('s', 'n', 'c', 1)",
    'an UPDATE' => "UPDATE customers SET notes = 'x'",
    'COPY' => 'COPY customers TO STDOUT',
    'tenant_id()' => 'SELECT tenant_guard.tenant_id()',
    'claims()' => 'SELECT tenant_guard.claims()',
    'cache_key()' => "SELECT tenant_guard.cache_key('q')");
refuses($node, $attempts{$_}, '55000', "without it, $_ is refused and names the setting", message => $setting)
  for sort keys %attempts;
refuses($node, "CREATE TABLE t (tenant_id uuid)", '55000', 'a new tenant table is not made unprotected',
    message => $setting, user => '');
gives($node, 'SELECT "check", ok FROM tenant_guard.health() WHERE "check" = \'library_preloaded\'', 'library_preloaded|f',
    'health() says so', user => '');

# What the context would be if anybody could set it: the tenant, and the form in which the library keeps it.
my $id = $tenant{acme}{id};
for my $value ($id, "1;9223372036854775807;1;36:${id}6:user_a2:hs15:user_attributes2:{}")
{
    refuses($node, "SET tenant_guard.tenant_id = '$value';\n$read", '55000', 'a planted setting opens nothing', message => $setting);
    refuses($node, "BEGIN; SET LOCAL tenant_guard.tenant_id = '$value';\n$read", '55000', 'nor SET LOCAL', message => $setting);
    local $ENV{PGOPTIONS} = "-c tenant_guard.tenant_id=$value";
    refuses($node, $read, '55000', 'nor PGOPTIONS', message => $setting);
}
refuses($node, "SET tenant_guard.tenant_id = '$id';\nSELECT tenant_guard.tenant_id();", '55000',
    'the function does not read a planted setting', message => $setting);

refuses($node, "LOAD 'tenant_guard'", '42501', 'app cannot LOAD the library');
my $admin = session($node, user => '');
ask($admin, "LOAD 'tenant_guard';");
refuses($admin, authenticate($token), '55000', 'LOAD in a session does not replace it', message => $setting);
ask($admin, 'SET ROLE app;');
refuses($admin, $read, '55000', 'and gives no rows', message => $setting);
$admin->quit;

$node->safe_psql('postgres', "ALTER DATABASE sample SET session_preload_libraries = 'tenant_guard'");
refuses($node, authenticate($token), '55000', 'session_preload_libraries does not replace it', message => $setting);
refuses($node, $read, '55000', 'and gives no rows', message => $setting);
refuses($node, "SET tenant_guard.tenant_id = '$id';\n$read", '(?:55000|42\w\w\w)', 'nor a setting planted then');
$node->safe_psql('postgres', 'ALTER DATABASE sample RESET session_preload_libraries');
{
    local $ENV{PGOPTIONS} = '-c local_preload_libraries=tenant_guard';
    my ($rows) = run_sql($node, $read);
    is($rows, '', 'local_preload_libraries gives no rows');
}

# The data is whole: with the setting back, everything works as before.
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'tenant_guard'");
$node->restart;
gives($node, "BEGIN;\n" . authenticate($token) . 'SELECT count(*) > 0 FROM customers', "$tenant{acme}{id}\nt",
    'with the library back the tenant reads its rows');
gives($node, "SELECT count(*) FROM products WHERE sku = 's'", '0', 'nothing was written meanwhile', user => '');
done_testing();
