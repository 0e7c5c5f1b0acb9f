# What the cluster tests share: a server with the library, the sample in it, tokens, and a client as the
# application's role. Built on PostgreSQL::Test::Cluster; tokens come from PyJWT, not from our own code.
package TenantGuard;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(%tenant new_cluster start_sample load_sample mint add_test_key authenticate
  run_sql session ask gives refuses count_log_lines);

my $test_directory = abs_path(dirname(__FILE__) . '/..');

# Tenants of the sample, and how many customers and orders each has at scale 50.
our %tenant = (
    acme => { id => 'e000342e-22c2-b525-5299-b35c4d538065' },
    globex => { id => '6a4fb4a2-5f37-c199-ad1f-70a1760e373c' },
    initech => { id => 'b0746d77-d249-0b67-ce79-c8883e4fe249' });

# A server that is initialised and not started; the library preloaded unless preload => ''. The server's log has no
# statements but those that failed, as a server in production is configured.
sub new_cluster
{
    my ($name, %options) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    $node->init(%{ $options{init} // {} });
    my $preload = $options{preload} // 'tenant_guard';
    $node->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = '$preload'
max_prepared_transactions = 10
log_statement = none
END
    $node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
    return $node;
}

# Creates database $db with the protected sample at its smallest scale and the HS256 test key.
sub load_sample
{
    my ($node, $db) = @_;
    $db //= 'sample';
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    $node->command_ok(
        [
            'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'scale=50', '-o', '/dev/null',
            '-d', $node->connstr($db),
            '-f', "$test_directory/sample/load.sql",
            '-c', 'CREATE EXTENSION tenant_guard',
            '-f', "$test_directory/sample/protect.sql"
        ],
        "the sample is loaded into $db");
    add_test_key($node, $db);
    return;
}

# A running server with the sample.
sub start_sample
{
    my ($name, %options) = @_;
    my $node = new_cluster($name, %options);
    $node->start;
    load_sample($node);
    return $node;
}

sub add_test_key
{
    my ($node, $db, $kid) = @_;
    $kid //= 'hs';
    my $secret = slurp_file("$test_directory/tokens/keys/hs.txt");
    chomp $secret;
    $node->safe_psql($db // 'sample', "SELECT tenant_guard.add_secret('$kid', 'HS256', '$secret')");
    return;
}

# A token for a tenant of the sample, or for any other id; further arguments are those of mint.py.
sub mint
{
    my ($who, @arguments) = @_;
    my $id = $tenant{$who} ? $tenant{$who}{id} : $who;
    my $token;
    IPC::Run::run([ "$test_directory/tokens/mint.py", '--tenant', $id, @arguments ], '>', \$token)
      or BAIL_OUT('mint.py failed');
    chomp $token;
    return $token;
}

sub authenticate { return "SELECT tenant_guard.authenticate('$_[0]');\n"; }

my @verbose = ('-v', 'VERBOSITY=verbose', '-v', 'SHOW_CONTEXT=never');

# Runs a script in a connection of its own, as app in the sample unless told otherwise (user => '' for the superuser),
# and returns what was printed and the errors. A script goes on after an error.
sub run_sql
{
    my ($node, $sql, %as) = @_;
    my ($out, $err) = ('', '');
    my $user = $as{user} // 'app';
    $node->psql(
        $as{db} // 'sample', $sql,
        stdout => \$out,
        stderr => \$err,
        on_error_stop => 0,
        extra_params => [ $user ? ('-U', $user) : (), @verbose ]);
    return ($out // '', $err // '');
}

# An open connection. ask() it, and quit it.
sub session
{
    my ($node, %as) = @_;
    my $user = $as{user} // 'app';
    return $node->background_psql(
        $as{db} // 'sample',
        on_error_stop => 0,
        extra_params => [ $user ? ('-U', $user) : (), @verbose ]);
}

# What a connection answers: the rows, and after them the errors.
sub ask
{
    my ($session, $sql) = @_;
    $session->{stderr} = '';
    my $out = $session->query($sql);
    my $answer = join "\n", grep { $_ ne '' } $out, $session->{stderr};
    $session->{stderr} = '';
    $answer =~ s/\s+\z//;
    return $answer;
}

# gives($session, $sql, $expected, $name), and the same for a connection of its own if given a node.
sub gives
{
    my ($where, $sql, $expected, $name, %as) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ref $expected
      ? like(_answer($where, $sql, %as), $expected, $name)
      : is(_answer($where, $sql, %as), $expected, $name);
}

# refuses($where, $sql, $sqlstate, $name, message => qr/.../): the error, and nothing that looks like a row before it.
sub refuses
{
    my ($where, $sql, $sqlstate, $name, %as) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $message = delete $as{message} // qr/./;
    my $answer = _answer($where, $sql, %as);
    my $ok = $answer =~ /^[^\n]*(?:ERROR|FATAL):  $sqlstate: [^\0]*$message/ && $answer !~ /canary|^\d+$/m;
    ok($ok, $name) or diag("expected $sqlstate and no row, got:\n$answer");
    return $ok;
}

sub _answer
{
    my ($where, $sql, %as) = @_;
    return ask($where, $sql) if $where->isa('PostgreSQL::Test::BackgroundPsql');
    my ($out, $err) = run_sql($where, $sql, %as);
    return join "\n", grep { $_ ne '' } $out, $err;
}

# How many lines the server has logged since byte $from that match; call with 0 for all.
sub count_log_lines
{
    my ($node, $pattern, $from) = @_;
    my $log = substr slurp_file($node->logfile), $from // 0;
    return scalar grep { $_ =~ $pattern } split /\n/, $log;
}

1;
