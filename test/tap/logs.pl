# Tokens are passwords. With the server's own defaults (log_statement = none, log_min_error_statement = error) no part
# of one may reach the server log: not in a message, a detail, a context or the statement of a failed command. And each
# refusal leaves exactly one structured line that an operator can find.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils qw(slurp_file);
use TenantGuard;

my $node = start_sample('main');
my $good = mint('acme');
my @parts = split /\./, $good;
(my $tampered = $good) =~ s/.{20}$/AAAAAAAAAAAAAAAAAAAA/;
my $expired = mint('acme', '--ttl=-60');
my $unknown = mint('acme', '--kid', 'nobody');
my $foreign = mint('globex');

# All that a token of the tests begins with, and every part of these.
my @secrets = map { split /\./ } $good, $tampered, $expired, $unknown, $foreign;

$node->safe_psql('sample', <<'END');
CREATE FUNCTION authenticate_by(token text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN tenant_guard.authenticate(token); END';
CREATE FUNCTION authenticate_dynamically(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; BEGIN EXECUTE format('SELECT tenant_guard.authenticate(%L)', token) INTO answer; RETURN answer; END $$;
END

my $log_end = 0;
sub new_log_text
{
    my $log = substr slurp_file($node->logfile), $log_end;
    $log_end += length $log;
    return $log;
}
sub events { return scalar grep { /tenant_guard event=$_[1]\b/ } split /\n/, $_[0]; }
sub keeps_quiet
{
    my ($log, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @found = grep { length > 8 && index($log, $_) >= 0 } @secrets;
    ok(!@found && $log !~ /eyJ/, $name) or diag("in the log: " . join "\n", grep { /eyJ/ } split /\n/, $log);
}

# What is refused, with which reason; each leaves one line.
my @refused = (
    [ 'a tampered token', authenticate($tampered), 'signature_mismatch', '28T08' ],
    [ 'an expired token', authenticate($expired), 'expired', '28T09' ],
    [ 'a token of an unknown key', authenticate($unknown), 'unknown_key', '28T06' ],
    [ 'half a token', authenticate($parts[0]), 'malformed', '28T03' ],
    [ 'a token with blanks', authenticate(" $good"), 'malformed', '28T03' ],
    [ 'SET LOCAL', "BEGIN; SET LOCAL tenant_guard.token = '$tampered';", 'signature_mismatch', '28T08' ],
    [ 'one message with other statements', "BEGIN \\; SELECT tenant_guard.authenticate('$tampered') \\; SELECT 1 \\; COMMIT;",
        'signature_mismatch', '28T08' ],
    [ 'a DO block', "DO \$\$ BEGIN PERFORM tenant_guard.authenticate('$tampered'); END \$\$;", 'signature_mismatch', '28T08' ],
    [ 'a function', "SELECT authenticate_by('$tampered');", 'signature_mismatch', '28T08' ],
    [ 'dynamic SQL in a function', "SELECT authenticate_dynamically('$tampered');", 'signature_mismatch', '28T08' ],
    [ 'another tenant\'s token', 'BEGIN; ' . authenticate($good) . authenticate($foreign), 'tenant_switch', '28T18' ]);
new_log_text();
for my $row (@refused)
{
    my ($what, $sql, $reason, $sqlstate) = @$row;
    my (undef, $error) = run_sql($node, $sql);
    like($error, qr/ERROR:  $sqlstate/, "$what is refused");
    unlike($error, qr/eyJ/, "$what: the client is not told the token");
    my $log = new_log_text();
    keeps_quiet($log, "$what: nothing of it is in the log");
    is(events($log, 'token_refused'), 1, "$what: one structured line");
    like($log, qr/tenant_guard event=token_refused reason="$reason" sqlstate="$sqlstate"/, "$what: which says why");
}

# The token is in the statement, and another part of the statement fails.
my @failing = (
    [ 'a later statement of the message fails', "BEGIN \\; SELECT tenant_guard.authenticate('$good') \\; SELECT 1/0 \\; COMMIT;" ],
    [ 'a refused one does', "BEGIN \\; SELECT tenant_guard.authenticate('$good') \\; SELECT full_name FROM customer_names \\; COMMIT;" ],
    [ 'the statement itself does', "SELECT tenant_guard.authenticate('$good'), 1/0;" ],
    [ 'it names what is not there', "SELECT tenant_guard.authenticate('$good') FROM nowhere;" ],
    [ 'it is not SQL', "SELECT tenant_guard.authenticate('$good') FROM FROM;" ],
    [ 'it reads as well', "SELECT tenant_guard.authenticate('$good'), count(*) FROM customers;" ],
    [ 'the function is misspelt', "SELECT tenant_guard.authentcate('$good');" ],
    [ 'SET without LOCAL', "SET tenant_guard.token = '$good';" ],
    [ 'set_config()', "SELECT set_config('tenant_guard.token', '$good', true);" ],
    [ 'another setting', "SET LOCAL tenant_guard.tokn = '$good';" ],
    [ 'a prepared statement', "PREPARE p AS SELECT tenant_guard.authenticate('$good');" ],
    [ 'ALTER ROLE', "ALTER ROLE app SET tenant_guard.token = '$good';" ],
    [ 'outside a transaction block', authenticate($good) . 'SELECT 1/0;' ]);
for my $row (@failing)
{
    my ($what, $sql) = @$row;
    my (undef, $error) = run_sql($node, $sql);
    like($error, qr/ERROR|WARNING/, "$what: it is answered with an error or a warning");
    keeps_quiet(new_log_text(), "$what: no token in the log");
}

# Statements.
my $open = session($node);
ask($open, 'BEGIN;' . authenticate($good));
new_log_text();
refuses($open, 'SELECT full_name FROM customer_names;', '42501', 'an unprotected relation is refused');
my $log = new_log_text();
is(events($log, 'statement_refused'), 1, 'with one structured line');
like($log, qr/tenant_guard event=statement_refused sqlstate="42501" object="public\.customer_names".* role="app" tenant="$tenant{acme}{id}" subject="user_8c2f" kid="hs"/,
    'that names the relation, the role, the tenant, the subject and the key');
ask($open, 'ROLLBACK;');
refuses($open, 'SELECT notes FROM customers;', '28000', 'a read without a tenant is refused');
$log = new_log_text();
is(events($log, 'statement_refused'), 1, 'with one structured line');
like($log, qr/sqlstate="28000" object="public\.customers".* role="app"/, 'that names the relation and the role');
refuses($open, 'SET search_path = pg_temp;', '42501', 'a session setting is refused');
is(events(new_log_text(), 'statement_refused'), 1, 'with one structured line');
refuses($open, qq{SET "tenant_guard.tenant_id" = 'x';}, '42501', 'a forged tenant is refused');
is(events(new_log_text(), 'statement_refused'), 1, 'with one structured line');
ask($open, 'BEGIN;' . authenticate(mint('acme', '--ttl', 4)) . 'SELECT pg_sleep(5);');
new_log_text();
refuses($open, 'SELECT notes FROM customers;', '28T09', 'an expired transaction is refused');
is(events(new_log_text(), '(?:token|statement)_refused'), 1, 'with one structured line');
ask($open, 'ROLLBACK;');

# An apostrophe opens a literal, and literals of a statement with a token are blotted out: not so within a line of ours.
$node->safe_psql('sample', q{CREATE TABLE "o'clock" (a int); GRANT SELECT ON "o'clock" TO app;});
ask($open, 'BEGIN;' . authenticate($good));
new_log_text();
refuses($open, q{SELECT a, 'authenticate' FROM "o'clock";}, '42501', 'a relation with an apostrophe is refused');
like(new_log_text(), qr/event=statement_refused [^\n]*object="public\.\\"o\\x27clock\\""[^\n]* tenant="$tenant{acme}{id}" subject="user_8c2f" kid="hs"/,
    'its line says to whom');
ask($open, 'ROLLBACK;');

# A value from a client cannot forge a second line.
refuses($open, 'SELECT count(*) FROM "customer_names"' . ";\n", '42501', 'a name of the client is refused');
new_log_text();
ask($open, qq{SET "a.b\ntenant_guard event=forged" = 1;});
unlike(new_log_text(), qr/^tenant_guard event=forged|\] app LOG: .*\n[^\n]*event=forged/m, 'a line break does not make another event');
$open->quit;

# Secrets of keys are no better placed in the log.
run_sql($node, "SELECT tenant_guard.add_secret('short', 'HS256', 'tooshortsecret');", user => '');
unlike(new_log_text(), qr/tooshortsecret/, 'a refused secret is not in the log');
done_testing();
