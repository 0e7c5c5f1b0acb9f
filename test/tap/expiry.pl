# A token that expires while its transaction runs. By default the next statement is refused, whatever it is, until a
# fresh token of the same tenant is presented; with tenant_guard.expiry = transaction it is not looked at again.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes qw(sleep time);
use TenantGuard;

my $node = start_sample('main');
$node->safe_psql('postgres', 'CREATE DATABASE relaxed TEMPLATE sample');
$node->safe_psql('postgres', "ALTER DATABASE relaxed SET tenant_guard.expiry = 'transaction'");

my $lifetime = 4;
my $end = int(time) + $lifetime;
my $short = mint('acme', '--exp', $end);
my $begin = 'BEGIN;' . authenticate($short) . 'DECLARE c CURSOR FOR SELECT tenant_id FROM customers;'
  . 'FETCH 1 FROM c; SAVEPOINT a;';
my $id = $tenant{acme}{id};

my $strict = session($node);
my $ended = session($node);
my $relaxed = session($node, db => 'relaxed');
gives($_, $begin, "$id\n$id", 'before the end of the token, rows') for $strict, $ended, $relaxed;
sleep(0.1) while time <= $end + 0.2;

my @statements = (
    [ 'a query', 'SELECT notes FROM customers;' ],
    [ 'FETCH from a cursor that was open', 'FETCH 1 FROM c;' ],
    [ 'MOVE', 'MOVE 1 FROM c;' ],
    [ 'tenant_id()', 'SELECT tenant_guard.tenant_id();' ],
    [ 'a constant', 'SELECT true;' ],
    [ 'INSERT', "INSERT INTO products (sku, name, category, price) VALUES ('s', 'n', 'c', 1);" ],
    [ 'COPY', 'COPY customers TO STDOUT;' ],
    [ 'EXPLAIN', 'EXPLAIN SELECT notes FROM customers;' ],
    [ 'SET LOCAL', "SET LOCAL statement_timeout = '1s';" ],
    [ 'SHOW', 'SHOW tenant_guard.tenant_id;' ],
    [ 'NOTIFY', 'NOTIFY a;' ],
    [ 'a DO block', 'DO $$ BEGIN PERFORM notes FROM customers; END $$;' ],
    [ 'the expired token itself', authenticate($short) ],
    [ 'the expired token as a setting', "SET LOCAL tenant_guard.token = '$short';" ]);
for my $row (@statements)
{
    my ($what, $sql) = @$row;
    refuses($strict, $sql, '28T09', "after it, $what is refused", message => qr/expired/);
    gives($strict, 'ROLLBACK TO a;', '', "and ROLLBACK TO works");
}
refuses($strict, authenticate(mint('globex')), '28T18', 'a fresh token of another tenant is no way out');
ask($strict, 'ROLLBACK TO a;');
gives($strict, authenticate(mint('acme')), $id, 'a fresh one of the same tenant is');
gives($strict, 'FETCH 1 FROM c;', $id, 'the cursor goes on');
gives($strict, 'SELECT count(DISTINCT tenant_id) FROM customers;', '1', 'and so do queries');
gives($strict, 'COMMIT;', '', 'and the transaction commits');

gives($ended, 'ROLLBACK;', '', 'an expired transaction can be rolled back');
refuses($ended, 'SELECT notes FROM customers;', '28000', 'and leaves no tenant');
gives($ended, 'BEGIN;' . authenticate(mint('globex')) . 'COMMIT;', $tenant{globex}{id}, 'the session is fit for the next');

gives($relaxed, 'FETCH 1 FROM c;', $id, 'expiry = transaction: the cursor goes on');
gives($relaxed, 'SELECT count(DISTINCT tenant_id) FROM customers;', '1', 'and so do queries');
refuses($relaxed, authenticate($short), '28T09', 'but the expired token cannot be presented again');
gives($relaxed, 'ROLLBACK;', '', 'the transaction ends');
refuses($relaxed, 'BEGIN;' . authenticate($short), '28T09', 'nor begin another');

# One statement of the client that runs many: the later ones are refused.
ask($strict, 'BEGIN;' . authenticate(mint('acme', '--ttl', 4)));
refuses($strict, 'DO $$ BEGIN PERFORM pg_sleep(5.2); PERFORM notes FROM customers; END $$;', '28T09',
    'a block that outlives its token is stopped');
gives($strict, 'ROLLBACK;', '', 'and can be rolled back');

my $answer = ask($strict, 'SET tenant_guard.expiry = $$transaction$$;');
like($answer, qr/ERROR:  42\w+/, 'app cannot relax it');
$_->quit for $strict, $ended, $relaxed;
done_testing();
