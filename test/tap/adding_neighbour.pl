# What the guard found of a plan holds for the relations that it saw. A neighbour's planner hook that is called around
# ours may add to them afterwards (adding_neighbour.c).
use strict;
use warnings FATAL => 'all';
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;
use TenantGuard;

my $library = PostgreSQL::Test::Utils::tempdir() . "/adding_neighbour.so";
my ($headers) = run_command([ 'pg_config', '--includedir-server' ]);
PostgreSQL::Test::Utils::system_or_bail('cc', '-O1', '-fPIC', '-shared', "-I$headers", '-o', $library,
    dirname(__FILE__) . '/adding_neighbour.c');

for my $order ([ 'around', "tenant_guard,$library" ], [ 'within', "$library,tenant_guard" ])
{
    my ($name, $preload) = @$order;
    my $node = start_sample($name, preload => $preload);
    my $session = session($node);
    my $read = 'SELECT count(DISTINCT tenant_id) FROM customers';
    ask($session, "BEGIN;\n" . authenticate(mint('acme')));
    gives($session, "$read;", '1', "$name: a plan that nobody adds to");
    gives($session, "$read;", '1', "$name: and once more");
    refuses($session, "$read /* and another */;", '42501', "$name: one with an unprotected relation added", message => qr/customer_names/);
    ask($session, 'ROLLBACK;');
    $session->quit;
    $node->stop;
}
done_testing();
