# A key leaves: the open sessions of every client must refuse its tokens at their next authenticate, at once, also in
# the middle of a transaction whose snapshot is older than the change.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $node = start_sample('main');
my $old = mint('acme', '--kid', 'hs');
my $new = mint('acme', '--kid', 'hs2');
my $count = 'SELECT count(*) > 0 FROM customers;';

my $reader = session($node);
gives($reader, 'BEGIN;' . authenticate($old) . $count, "$tenant{acme}{id}\nt", 'the first key works');
gives($reader, 'COMMIT;', '', 'its transaction ends');
refuses($reader, 'BEGIN;' . authenticate($new), '28T06', 'a key nobody added is unknown');
ask($reader, 'ROLLBACK;');

add_test_key($node, 'sample', 'hs2');
gives($reader, 'BEGIN;' . authenticate($new) . 'COMMIT;', $tenant{acme}{id}, 'an open session takes the new key at once');
gives($reader, 'BEGIN;' . authenticate($old) . 'COMMIT;', $tenant{acme}{id}, 'and the old one, while both are active');

# This one's snapshot is taken before the old key is retired.
my $long = session($node);
gives($long, 'BEGIN ISOLATION LEVEL REPEATABLE READ;' . authenticate($old) . $count, "$tenant{acme}{id}\nt",
    'a long transaction begins with the old key');

$node->safe_psql('sample', "SELECT tenant_guard.retire_key('hs')");
refuses($reader, 'BEGIN;' . authenticate($old), '28T07', 'the very next authenticate of an open session refuses it');
ask($reader, 'ROLLBACK;');
gives($reader, 'BEGIN;' . authenticate($new) . $count . 'COMMIT;', "$tenant{acme}{id}\nt", 'the new key goes on working');

refuses($long, "SAVEPOINT a;\n" . authenticate($old), '28T07', 'so does one inside the REPEATABLE READ transaction');
gives($long, "ROLLBACK TO a;\n$count", 't', 'which keeps the tenant that it had');
gives($long, authenticate($new) . $count . 'COMMIT;', "$tenant{acme}{id}\nt", 'and takes a token of the new key');

refuses($node, "BEGIN;\n" . authenticate($old), '28T07', 'a new session refuses it as well');

# Taken back by the transaction that retired it: nothing has happened.
my $admin = session($node, user => '');
ask($admin, "BEGIN; SELECT tenant_guard.retire_key('hs2');");
gives($reader, 'BEGIN;' . authenticate($new) . 'COMMIT;', $tenant{acme}{id}, 'a retirement counts from its commit');
ask($admin, 'ROLLBACK;');
gives($reader, 'BEGIN;' . authenticate($new) . 'COMMIT;', $tenant{acme}{id}, 'and not at all when it is rolled back');

add_test_key($node);
gives($reader, 'BEGIN;' . authenticate($old) . 'COMMIT;', $tenant{acme}{id}, 'a key that is added again is active again');

$node->safe_psql('sample', 'TRUNCATE tenant_guard.signing_keys');
refuses($reader, 'BEGIN;' . authenticate($new), '28T06', 'with no key at all every token is refused');

$_->quit for $reader, $long, $admin;
done_testing();
