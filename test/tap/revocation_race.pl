# A token that every session remembers is revoked while they all use it: from the moment the commit has returned, no
# session's next call succeeds. The order is proven by a marker: it is set after the commit and read before a call is
# sent, so a call that saw it was sent after the commit.
use strict;
use warnings FATAL => 'all';
use IPC::Open2;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use TenantGuard;

my $rounds = 3;
my $sessions = 4;
my $patience = 60;    # seconds for all sessions to make three calls

my $node = start_sample('main');
$node->safe_psql('sample', "SELECT tenant_guard.add_issuer('https://app.example.com')");
$node->safe_psql('sample', "INSERT INTO tenant_guard.signing_keys (kid, issuer, algorithm, material)
    SELECT 'bound', 'https://app.example.com', algorithm, material FROM tenant_guard.signing_keys WHERE kid = 'hs'");
my $token = mint('acme', '--kid', 'bound', '--iss', 'https://app.example.com', '--aud', 'dashboards',
    '--sub', 'user_a', '--claim', 'jti="token-1"');

# Each way to end a token, what takes it back, and the verdict.
my @ways = (
    [ 'retire_key', q{SELECT tenant_guard.retire_key('bound', 'https://app.example.com')},
        q{UPDATE tenant_guard.signing_keys SET retired = NULL}, '28T07' ],
    [ 'revoke_token', q{SELECT tenant_guard.revoke_token('token-1', now() + '1 day')},
        q{DELETE FROM tenant_guard.revocations}, '28T17' ],
    [ 'revoke_subject', q{SELECT tenant_guard.revoke_subject('user_a', now() + '1 minute')},
        q{DELETE FROM tenant_guard.revocations}, '28T17' ],
    [ 'revoke_tenant', qq{SELECT tenant_guard.revoke_tenant('$tenant{acme}{id}', now() + '1 minute')},
        q{DELETE FROM tenant_guard.revocations}, '28T17' ],
    [ 'add_issuer with another audience', q{SELECT tenant_guard.add_issuer('https://app.example.com', ARRAY['reports'])},
        q{SELECT tenant_guard.add_issuer('https://app.example.com')}, '28T15' ]);

# The marker is a symbolic link: replaced in one step, and read in one.
my $directory = $node->basedir;
my $marker = "$directory/marker";

sub set_marker
{
    my ($state) = @_;
    symlink $state, "$marker.new" or BAIL_OUT("symlink: $!");
    rename "$marker.new", $marker or BAIL_OUT("rename: $!");
    return;
}

# One session, in a process of its own: calls until the marker says stop, and logs for each call the marker before it, the
# marker after it and the verdict. Every other session stays in one transaction, whose snapshot is from the beginning.
sub run_session
{
    my ($number) = @_;
    my $is_long = $number % 2;
    my $pid = open2(my $from, my $to, 'psql', '-XqAt', '-v', 'VERBOSITY=sqlstate', '-v', 'ON_ERROR_STOP=0',
        '-d', $node->connstr('sample') . ' user=app', '-c', '\set QUIET on', '-f', '/dev/stdin');
    my $call = "SELECT tenant_guard.authenticate('$token');\n\\echo :SQLSTATE\n";
    $call = $is_long ? "SAVEPOINT a;\n${call}ROLLBACK TO a;\nRELEASE a;\n" : "BEGIN;\n${call}ROLLBACK;\n";
    $to->autoflush(1);
    open my $log, '>', "$directory/log.$number" or die $!;
    $log->autoflush(1);
    print $to "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1;\n" if $is_long;
    for (;;)
    {
        my $before = readlink $marker;
        last if $before eq 'stop';
        sleep rand 0.004;    # on a small machine the administrator needs a turn too
        print $to $call, "\\echo end\n";
        my $verdict = '';
        while (my $line = <$from>)
        {
            last if $line eq "end\n";
            $verdict = $1 if $line =~ /^([0-9A-Z]{5})$/;
        }
        print $log "$before ", readlink $marker, " $verdict\n";
    }
    close $to;
    waitpid $pid, 0;
    return;
}

my %seen;     # by session: how far its log was read
my %calls;    # by marker: verdict => number, of calls that saw the marker before and after
my @per_session;

sub read_logs
{
    for my $number (1 .. $sessions)
    {
        open my $log, '<', "$directory/log.$number" or next;
        seek $log, $seen{$number} // 0, 0;
        while (my $line = <$log>)
        {
            last unless $line =~ /\n\z/;
            $seen{$number} += length $line;
            my ($before, $after, $verdict) = $line =~ /^(\S+) (\S+) (\S*)$/ or die "log: $line";
            next if $before ne $after;
            $calls{$before}{$verdict}++;
            $per_session[$number]{$before}++;
        }
    }
    return;
}

# Sets the marker, and waits until every session has made three calls under it.
sub under_marker
{
    my ($state) = @_;
    set_marker($state);
    my $give_up = time + $patience;
    for (;;)
    {
        read_logs();
        return 1 unless grep { ($per_session[$_]{$state} // 0) < 3 } 1 .. $sessions;
        return 0 if time > $give_up;
        sleep 0.002;
    }
}

set_marker('start');
my @children;
for my $number (1 .. $sessions)
{
    my $child = fork // BAIL_OUT("fork: $!");
    if ($child == 0)
    {
        eval { run_session($number); 1 } or print STDERR $@;
        POSIX::_exit(0);    # the parent's server is not ours to stop
    }
    push @children, $child;
}

my $admin = session($node, user => '');
ok(under_marker('begin'), 'every session has the token in use');
is_deeply([ keys %{ $calls{begin} } ], ['00000'], 'and remembers that it is good');

for my $way (@ways)
{
    my ($name, $end, $take_back, $sqlstate) = @$way;
    my (%down, %up);
    my $all_called = 1;
    for my $round (1 .. $rounds)
    {
        my ($is_down, $is_up) = ("down-$name-$round" =~ tr/ /_/r, "up-$name-$round" =~ tr/ /_/r);
        sleep rand 0.01;    # anywhere in the sessions' calls
        set_marker('between');
        ask($admin, "$end;");
        $all_called &&= under_marker($is_down);
        $down{$_} += $calls{$is_down}{$_} for keys %{ $calls{$is_down} };
        set_marker('between');
        ask($admin, "$take_back;");
        $all_called &&= under_marker($is_up);
        $up{$_} += $calls{$is_up}{$_} for keys %{ $calls{$is_up} };
    }
    ok($all_called, "$name: every session called in each of $rounds rounds");
    is_deeply([ keys %down ], [$sqlstate], "$name: after its commit every call is refused")
      or diag(explain(\%down));
    is_deeply([ keys %up ], ['00000'], "$name: taken back, every call succeeds") or diag(explain(\%up));
}

# Not only calls that saw the commit: none in between got an answer that nobody ever gives.
my %expected = map { $_ => 1 } '00000', map { $_->[3] } @ways;
is_deeply([ grep { !$expected{$_} } map { keys %$_ } values %calls ], [], 'and there was no other answer');

set_marker('stop');
waitpid $_, 0 for @children;
my $total = 0;
$total += $_ for map { values %$_ } values %calls;
note("$total calls, " . $rounds * @ways . ' rounds');
$admin->quit;
done_testing();
