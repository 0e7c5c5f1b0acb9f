# What audit() says of the server: checks that need another pg_hba.conf, a replication slot, or a restart without the
# library. Each is quiet on the same server before and afterwards.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $node = new_cluster('main', conf => "wal_level = logical\n");
my $hba = $node->data_dir . '/pg_hba.conf';

sub use_hba
{
    my (@lines) = @_;
    open my $file, '>', $hba or die "cannot write $hba: $!";
    print $file map { "$_\n" } 'local all all peer map=everybody', @lines;
    close $file;
    return;
}

my $me = getpwuid($>);
open my $map, '>', $node->data_dir . '/pg_ident.conf' or die "cannot write the map: $!";
print $map map { "everybody $me $_\n" } 'app', $me;
close $map;
use_hba();
$node->start;
load_sample($node);

sub use_hba_now
{
    use_hba(@_);
    $node->reload;
    return;
}

sub findings
{
    my ($check, $columns) = @_;
    return $node->safe_psql('sample', 'SELECT ' . ($columns // 'object') . " FROM tenant_guard.audit() WHERE check_id = '$check'");
}

is(findings('TG811'), '', 'TG811 quiet: everybody is asked who he is');
is(findings('TG812'), '', 'TG812 quiet: nobody comes from elsewhere');
use_hba_now('host sample app 127.0.0.1/32 trust', 'hostssl all all 10.0.0.0/8 scram-sha-256', 'host all all 10.0.0.0/8 reject');
is(findings('TG811'), 'pg_hba.conf line 2', 'TG811 fires: app without a password');
is(findings('TG812'), '', 'TG812 quiet: loopback, TLS and what is rejected');
use_hba_now('host all all 10.0.0.0/8 scram-sha-256');
is(findings('TG811'), '', 'TG811 quiet again');
is(findings('TG812'), 'pg_hba.conf line 2', 'TG812 fires: from elsewhere without TLS');
use_hba_now();
is(findings('TG812'), '', 'TG812 quiet again');

is(findings('TG807'), '', 'TG807 quiet: no slot');
$node->safe_psql('sample', "SELECT pg_create_logical_replication_slot('changes', 'test_decoding')");
is(findings('TG807'), 'replication slot changes', 'TG807 fires');
$node->safe_psql('sample', findings('TG807', 'remedy'));
is(findings('TG807'), '', 'TG807 quiet after its remedy');

# A flaw that this server may or may not have: audit() agrees with the table of them.
is(findings('TG805', 'count(*)'), $node->safe_psql('sample',
    "SELECT count(*) FROM tenant_guard.known_flaws(current_setting('server_version_num')::int)"), 'TG805 as the table says');

is(findings('TG801'), '', 'TG801 quiet: the library is loaded');
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
is($node->safe_psql('sample', 'SELECT check_id, severity FROM tenant_guard.audit()'), 'TG801|error',
    'TG801 fires without the library, and nothing else can be said');
$node->safe_psql('postgres', "ALTER DATABASE sample SET session_preload_libraries = 'tenant_guard'");
is(findings('TG801'), 'server', 'TG801 fires: session_preload_libraries is not enough');
$node->safe_psql('postgres', 'ALTER DATABASE sample RESET session_preload_libraries');
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'tenant_guard'");
$node->restart;
is(findings('TG801'), '', 'TG801 quiet again');
isnt($node->safe_psql('sample', 'SELECT count(*) FROM tenant_guard.audit()'), '0', 'and the other checks are back');

# Exemptions are part of a dump, by names that are true on the copy.
$node->safe_psql('sample', "SELECT tenant_guard.audit_exempt('TG111:public.monthly_revenue_mv for app', 'totals only', '2999-01-01')");
$node->safe_psql('postgres', 'CREATE DATABASE copy');
my $dump = $node->data_dir . '/../sample.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('sample') ], 'pg_dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $dump, $node->connstr('copy') ], 'restored');
my $exempt = "SELECT exempt_reason, exempt_until::date FROM tenant_guard.audit(true) WHERE check_id = 'TG111'";
is($node->safe_psql('copy', $exempt), 'totals only|2999-01-01', 'the exemption holds on the copy');
is($node->safe_psql('copy', "SELECT count(*) FROM tenant_guard.audit() WHERE check_id IN ('TG111', 'TG901')"), '0', 'and exempts the same');

$node->stop;
done_testing();
