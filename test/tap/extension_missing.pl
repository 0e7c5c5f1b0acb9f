# The library is in every backend, the extension only where it was created - and somebody may have dropped a part of
# it, or installed a library of another version. Who must be guarded and can't be is refused, and told what to run.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $node = start_sample('main');
my $token = mint('acme');
my $read = 'SELECT notes FROM customers';

# A database without the extension.
$node->safe_psql('postgres', 'CREATE DATABASE bare');
$node->safe_psql('bare', 'CREATE TABLE customers AS SELECT 1 AS id, $$canary$$ AS notes; GRANT ALL ON customers TO app;'
      . 'CREATE ROLE migrator LOGIN; GRANT ALL ON customers TO migrator');
my %in_bare = (db => 'bare');
refuses($node, $read, '55000', 'a role under always is refused where the extension is missing',
    %in_bare, message => qr/not installed[^\0]*CREATE EXTENSION tenant_guard/);
refuses($node, "SET LOCAL tenant_guard.token = '$token'", '55000', 'so is a token', %in_bare, message => qr/not installed/);
refuses($node, 'COPY customers TO STDOUT', '55000', 'so is COPY', %in_bare);
refuses($node, 'TRUNCATE customers', '55000', 'so is a utility command', %in_bare);
gives($node, $read, 'canary', 'a superuser is exempt', %in_bare, user => '');
gives($node, $read, 'canary', 'a role that nobody guards is left alone', %in_bare, user => 'migrator');
$node->safe_psql('bare', 'CREATE EXTENSION tenant_guard');
refuses($node, $read, '42501', 'created there, the guard asks for protection', %in_bare, message => qr/not protected/);

# A member that others need cannot be dropped alone, so what depends on the tables leaves the extension first: views, and
# functions that return a row of one.
sub drop_table
{
    my ($table) = @_;
    return <<"END";
DO \$\$
DECLARE member text;
BEGIN
  FOR member IN
    SELECT 'VIEW ' || oid::regclass FROM pg_class WHERE relnamespace = 'tenant_guard'::regnamespace AND relkind = 'v'
    UNION ALL
    SELECT 'FUNCTION ' || p.oid::regprocedure FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype OR t.oid = ANY (p.proargtypes)
     WHERE t.typrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'tenant_guard'::regnamespace)
  LOOP
    EXECUTE 'ALTER EXTENSION tenant_guard DROP ' || member;
  END LOOP;
END \$\$;
ALTER EXTENSION tenant_guard DROP TABLE tenant_guard.$table;
DROP TABLE tenant_guard.$table CASCADE;
END
}

my $without_event_triggers = join ' ',
  map { "ALTER EVENT TRIGGER $_ DISABLE;" } split /\n/, $node->safe_psql('sample', 'SELECT evtname FROM pg_event_trigger');

# What somebody with all rights can break. Each in a copy of its own; an open session must notice as well.
my @damages = (
    [ 'authenticate() dropped', 'ALTER EXTENSION tenant_guard DROP FUNCTION tenant_guard.authenticate(text);'
          . 'DROP FUNCTION tenant_guard.authenticate(text)' ],
    [ 'authenticate() renamed', 'ALTER FUNCTION tenant_guard.authenticate(text) RENAME TO authenticate_old' ],
    [ 'the declarations dropped', drop_table('relations') ],
    [ 'the keys dropped', drop_table('signing_keys') ],
    [ 'the issuers dropped', drop_table('issuers') ],
    [ 'the guarded roles dropped', drop_table('guarded_roles') ],
    [ 'a table renamed', 'ALTER TABLE tenant_guard.signing_keys RENAME TO signing_keys_old' ],
    [ 'the schema renamed', 'ALTER SCHEMA tenant_guard RENAME TO old_guard' ]);
for my $row (@damages)
{
    my ($what, $sql) = @$row;
    $node->safe_psql('postgres', 'CREATE DATABASE damaged TEMPLATE sample');
    my %in_copy = (db => 'damaged');
    my $open = session($node, %in_copy);
    gives($open, "BEGIN; SET LOCAL tenant_guard.token = '$token'; SELECT count(*) > 0 FROM customers; COMMIT;", 't',
        "$what: before, it works");
    # The extension's own event triggers would keep its tables from being dropped.
    $node->safe_psql('damaged', "$without_event_triggers $sql");

    refuses($open, "SET LOCAL tenant_guard.token = '$token'", '55000', "$what: an open session cannot authenticate",
        message => qr/damaged/);
    refuses($open, $read, '55000', "$what: nor read", message => qr/damaged[^\0]*HINT/);
    refuses($node, "BEGIN;\n" . authenticate($token), '(?:55000|42883|3F000)', "$what: nor a new session authenticate", %in_copy);
    refuses($node, $read, '55000', "$what: nor read", %in_copy, message => qr/damaged/);
    refuses($node, 'SELECT full_name FROM customer_names', '55000', "$what: nor the forgotten table", %in_copy);
    gives($node, 'SELECT count(*) > 0 FROM customers', 't', "$what: a superuser can look", %in_copy, user => '');
    $open->quit;
    $node->safe_psql('postgres', 'DROP DATABASE damaged');
}

# The function that the policies call, and with it the policies.
$node->safe_psql('postgres', 'CREATE DATABASE damaged TEMPLATE sample');
$node->safe_psql('damaged', "$without_event_triggers " . 'ALTER EXTENSION tenant_guard DROP FUNCTION tenant_guard.tenant_id_uuid();'
      . 'DROP FUNCTION tenant_guard.tenant_id_uuid() CASCADE;'
      . 'CREATE POLICY everybody ON customers USING (true); GRANT ALL ON customers TO app');
my ($rows, $error) = run_sql($node, "BEGIN; SET LOCAL tenant_guard.token = '$token';\n$read", db => 'damaged');
is($rows, '', 'without the function that policies call there are no rows');
like($error, qr/ERROR/, 'but an error');

# Another version: the library was replaced and ALTER EXTENSION UPDATE forgotten, or the other way round.
$node->safe_psql('sample', q{UPDATE pg_extension SET extversion = '9.9.9' WHERE extname = 'tenant_guard'});
my $versions = qr/different versions[^\0]*9\.9\.9[^\0]*ALTER EXTENSION tenant_guard UPDATE/;
refuses($node, "BEGIN;\n" . authenticate($token), '55000', 'authenticate names both versions', message => $versions);
refuses($node, "BEGIN;\nSET LOCAL tenant_guard.token = '$token'", '55000', 'so does the setting', message => $versions);
refuses($node, $read, '55000', 'so does a guarded statement', message => $versions);
refuses($node, 'COPY customers TO STDOUT', '55000', 'and COPY', message => $versions);
refuses($node, 'LISTEN a', '55000', 'and a utility command', message => $versions);
gives($node, 'SELECT ok FROM tenant_guard.health() WHERE "check" = \'version\'', 'f', 'health() says so', user => '');
done_testing();
