# Keys on disk, tenant_guard.jwks_file: read at start and at a reload, seen by sessions that are open, on a standby from
# its own file. A file that is no good set, or that others could have written, leaves the keys as they were, and the log
# says why without repeating a byte of it.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Utils qw(append_to_file slurp_file);
use Test::More;
use Time::HiRes qw(sleep time);
use TenantGuard;

my $keys = 'test/tokens/keys';
my %jwk = map { $_ => slurp_file("$keys/$_.jwk.json") } qw(rs es ed);
my %token = (
    rs => mint('acme', '--alg', 'RS256'),
    es => mint('acme', '--alg', 'ES256'),
    ed => mint('acme', '--alg', 'EdDSA'),
    hs => mint('acme'));
my $id = $tenant{acme}{id};

sub set_of { return '{"keys": [' . join(', ', @_) . ']}'; }

# Replaced in one step, as a deployment should.
sub write_set
{
    my ($path, $text, $mode) = @_;
    unlink "$path.new";
    append_to_file("$path.new", $text);
    chmod $mode // 0644, "$path.new" or BAIL_OUT("chmod: $!");
    rename "$path.new", $path or BAIL_OUT("rename: $!");
    return;
}

sub configure
{
    my ($node, $line) = @_;
    $node->append_conf('postgresql.conf', $line);
    return;
}

# A setting of the same reload tells when a session has come to it.
my $reloads = 0;
sub reload
{
    my ($node, @sessions) = @_;
    $reloads++;
    configure($node, "test.reload = '$reloads'");
    $node->reload;
    for my $session (@sessions)
    {
        my $give_up = time + 60;
        sleep 0.01 while ask($session, 'SHOW test.reload;') ne $reloads && time < $give_up;
    }
    return;
}

sub accepts
{
    my ($where, $kid, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return gives($where, "BEGIN;\n" . authenticate($token{$kid}) . 'COMMIT;', $id, $name);
}

sub rejects
{
    my ($where, $kid, $name, $sqlstate) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ok = refuses($where, "BEGIN;\n" . authenticate($token{$kid}), $sqlstate // '28T06', $name);
    ask($where, 'ROLLBACK;') if $where->isa('PostgreSQL::Test::BackgroundPsql');
    return $ok;
}

my $primary = new_cluster('primary', init => { allows_streaming => 1 });
my $file = $primary->basedir . '/jwks.json';
write_set($file, set_of($jwk{rs}));
configure($primary, "test.reload = '0'");
configure($primary, "tenant_guard.jwks_file = '$file'");
$primary->start;
load_sample($primary);

my $open = session($primary);
accepts($open, 'rs', 'a key of the file verifies from the start');
accepts($open, 'hs', 'beside the keys of the table');
rejects($open, 'es', 'a key that is in neither does not');
like($primary->safe_psql('sample', "SELECT kid, issuer, alg, status, added <= now(), retired, source FROM tenant_guard.keys ORDER BY kid"),
    qr/^hs\|\|HS256\|active\|t\|\|table\nrs\|\|RS256\|active\|t\|\|file$/, 'the view of keys says where each comes from');
gives($primary, "SELECT ok, detail FROM tenant_guard.health() WHERE \"check\" = 'keys'", 't|2 active, 0 retired',
    'health() counts both', user => '');
refuses($open, 'SELECT * FROM tenant_guard.file_keys();', '42501', 'who may not read the view is not told');
refuses($open, 'SHOW tenant_guard.jwks_file;', '42501', 'nor where the file is');
refuses($primary, "SET tenant_guard.jwks_file = '/tmp/mine';", '55P02', 'nobody sets it for a session', user => '');

# Rotation with overlap, over a session that is open; one more stays in a transaction.
my $long = session($primary);
gives($long, 'BEGIN ISOLATION LEVEL REPEATABLE READ;' . authenticate($token{rs}), $id, 'a long transaction begins with the old key');
write_set($file, set_of($jwk{rs}, $jwk{es}));
rejects($open, 'es', 'before the reload nothing has changed');
reload($primary, $open, $long);
accepts($open, 'es', 'after it an open session takes the new key');
accepts($open, 'rs', 'and the old one, while both are in the file');
write_set($file, set_of($jwk{es}));
reload($primary, $open, $long);
rejects($open, 'rs', 'the old key has left the file: its token, which was remembered, is refused');
refuses($long, authenticate($token{rs}), '28T06', 'also inside the long transaction');
accepts($open, 'es', 'the new one goes on working');
accepts($primary, 'es', 'in a new session as well');
rejects($primary, 'rs', 'which does not know the old one');

# Bad files.
my $secret = slurp_file("$keys/hs.txt");
chomp $secret;
require MIME::Base64;
my $oct = '{"kty": "oct", "kid": "oct", "alg": "HS256", "k": "' . MIME::Base64::encode_base64url($secret) . '"}';
my $directory = $primary->basedir . '/folder';
mkdir $directory or BAIL_OUT("mkdir: $!");
system('mkfifo', '-m', '600', "$directory/fifo") == 0 or BAIL_OUT('mkfifo');
my @bad = (
    [ 'no JSON', sub { write_set($file, 'canary {') }, qr/It is not a JWK set/ ],
    [ 'one key and no set', sub { write_set($file, $jwk{rs}) }, qr/It is not a JWK set/ ],
    [ 'empty', sub { write_set($file, '') }, qr/It is not a JWK set/ ],
    [ 'no keys', sub { write_set($file, set_of()) }, qr/has no key that can be used/ ],
    [ 'a weak key alone', sub { write_set($file, set_of('{"kty": "RSA", "kid": "rs", "n": "wQ", "e": "AQAB"}')) }, qr/has no key that can be used/ ],
    [ 'a kid twice', sub { write_set($file, set_of($jwk{rs}, $jwk{es} =~ s/"es"/"rs"/r)) }, qr/two keys with one kid/ ],
    [ 'a secret beside public keys', sub { write_set($file, set_of($jwk{rs}, $oct), 0600) }, qr/mixes secrets with public keys/ ],
    [ 'a secret that everybody can read', sub { write_set($file, set_of($oct)) }, qr/everybody can read it/ ],
    [ 'too large', sub { write_set($file, set_of($jwk{rs}) . ' ' x 262_144) }, qr/larger than the largest/ ],
    [ 'writable by all', sub { write_set($file, set_of($jwk{rs}), 0666) }, qr/writable by its owner only/ ],
    [ 'writable by the group', sub { write_set($file, set_of($jwk{rs}), 0664) }, qr/writable by its owner only/ ],
    [ 'not readable', sub { write_set($file, set_of($jwk{rs}), 0000) }, qr/Could not open the file: Permission denied/ ],
    [ 'a folder', sub { unlink $file; symlink $directory, $file }, qr/It is not a regular file/ ],
    [ 'a FIFO', sub { unlink $file; symlink "$directory/fifo", $file }, qr/It is not a regular file/ ],
    [ 'missing', sub { unlink $file }, qr/Could not open the file: No such file/ ]);
for my $row (@bad)
{
    my ($what, $break, $reason) = @$row;
    $break->();
    my $end = -s $primary->logfile;
    reload($primary, $open);
    my $log = substr slurp_file($primary->logfile), $end;
    like($log, qr/LOG:  invalid value for parameter "tenant_guard.jwks_file".*\n.*DETAIL:  [^\n]*$reason/, "$what: the log says why");
    unlike($log, qr/canary|\Q$secret\E|"kty"/, "$what: and repeats nothing");
    accepts($open, 'es', "$what: an open session keeps its keys");
    accepts($primary, 'es', "$what: a new session starts with them");
    rejects($primary, 'rs', "$what: and with no others");
}
like($primary->safe_psql('postgres', q{SELECT error FROM pg_file_settings WHERE name = 'tenant_guard.jwks_file' AND applied IS FALSE}),
    qr/could not be applied/, 'pg_file_settings says so as well');
gives($primary, "ALTER SYSTEM SET tenant_guard.jwks_file = '/nowhere'", qr/ERROR:  22023:.*jwks_file/, 'ALTER SYSTEM refuses a file that is not there', user => '');

# A parallel worker is handed the setting while the file is missing.
gives($primary, <<'END', qr/Workers Launched: [1-9]/, 'a parallel query runs all the same', user => '');
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF) SELECT count(*) FROM orders;
END

# A good one, with a key for another purpose in it.
write_set($file, set_of($jwk{es}, $jwk{ed}, $jwk{rs} =~ s/"sig"/"enc"/r));
my $log_end = -s $primary->logfile;
reload($primary, $open);
accepts($open, 'ed', 'a good file is taken again');
rejects($open, 'rs', 'without its key for encryption');
like(substr(slurp_file($primary->logfile), $log_end), qr/LOG:  key number 3 of ".*jwks.json" is left out\n.*DETAIL:  The key says that it is not for verifying signatures/,
    'of which the log tells');

# The table overrules the file.
refuses($primary, q{SELECT tenant_guard.retire_key('nobody')}, '42704', 'a key that is nowhere cannot be retired', user => '');
$primary->safe_psql('sample', q{SELECT tenant_guard.retire_key('ed')});
rejects($open, 'ed', 'a key of the file that was retired in SQL is refused at once', '28T07');
accepts($open, 'es', 'and no other');
is($primary->safe_psql('sample', q{SELECT status, source FROM tenant_guard.keys WHERE kid = 'ed'}), 'retired|table', 'the view says so');
reload($primary, $open);
rejects($open, 'ed', 'a reload does not bring it back', '28T07');
$primary->safe_psql('sample', q{DELETE FROM tenant_guard.signing_keys WHERE kid = 'ed'});
accepts($open, 'ed', 'its row deleted, the file counts again');

# A standby has a file of its own, and hears what the table overrules.
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
my $other_file = $standby->basedir . '/jwks.json';
write_set($other_file, set_of($jwk{rs}));
configure($standby, "tenant_guard.jwks_file = '$other_file'");
$standby->start;
my $reader = session($standby);
accepts($reader, 'rs', 'a standby reads its own file');
rejects($reader, 'ed', 'and not the primary\'s');
write_set($other_file, set_of($jwk{ed}));
reload($standby, $reader);
accepts($reader, 'ed', 'rotation over an open session of the standby');
rejects($reader, 'rs', 'the key that left is refused there');
$primary->safe_psql('sample', q{SELECT tenant_guard.retire_key('ed')});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
rejects($reader, 'ed', 'what the primary\'s table retires is refused on the standby', '28T07');
$_->quit for $reader, $long;
$standby->stop;

# Bound to an issuer.
my $issuer = 'https://issuer.example';
$token{bound} = mint('acme', '--alg', 'ES256', '--iss', $issuer);
accepts($open, 'bound', 'an issuer nobody configured: the keys are bound to none');
configure($primary, "tenant_guard.jwks_issuer = '$issuer'");
reload($primary, $open);
rejects($open, 'es', 'keys of an issuer that is not configured verify nothing');
is($primary->safe_psql('sample', q{SELECT status FROM tenant_guard.keys WHERE kid = 'es'}), 'unknown issuer', 'and the view says why');
$primary->safe_psql('sample', "SELECT tenant_guard.add_issuer('$issuer', ARRAY['dashboards'])");
rejects($open, 'bound', 'configured, its rules hold', '28T15');
$token{bound} = mint('acme', '--alg', 'ES256', '--iss', $issuer, '--aud', 'dashboards');
accepts($open, 'bound', 'and its token is accepted');
rejects($open, 'es', 'but none without the issuer', '28T14');

# Secrets. A file that only the server can read may hold them; nothing shows them.
configure($primary, "tenant_guard.jwks_issuer = ''");
$primary->safe_psql('sample', 'DELETE FROM tenant_guard.signing_keys; DELETE FROM tenant_guard.issuers');
write_set($file, set_of($oct =~ s/"oct", "alg"/"hs", "alg"/r), 0640);
$log_end = -s $primary->logfile;
reload($primary, $open);
accepts($open, 'hs', 'a secret of the file verifies');
unlike($primary->safe_psql('sample', 'SELECT * FROM tenant_guard.keys, tenant_guard.file_keys() f'), qr/\Q$secret\E|@{[ unpack 'H*', $secret ]}/,
    'no view shows it');
unlike(substr(slurp_file($primary->logfile), $log_end), qr/\Q$secret\E/, 'nor does the log');

# Taken out of the configuration: gone.
configure($primary, "tenant_guard.jwks_file = ''");
reload($primary, $open);
rejects($open, 'hs', 'without a file its keys are gone');
$open->quit;

# A start with a bad file: the server is there, and every token is refused.
configure($primary, "tenant_guard.jwks_file = '/nowhere/jwks.json'");
$log_end = -s $primary->logfile;
$primary->restart;
like(substr(slurp_file($primary->logfile), $log_end), qr/invalid value for parameter "tenant_guard.jwks_file"/, 'a start with a bad file says so');
rejects($primary, 'es', 'and no token is accepted');
gives($primary, q{SELECT ok FROM tenant_guard.health() WHERE "check" = 'keys'}, 'f', 'health() says so', user => '');
done_testing();
