# PREPARE TRANSACTION takes the work away from the session: the tenant must go with it, and whoever commits it later
# gets no tenant from it.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $node = start_sample('main');
my $token = mint('acme');
my $insert = "INSERT INTO products (sku, name, category, price) VALUES ('%s', 'n', 'c', 1);";

my $first = session($node);
my $second = session($node);
gives($first, 'BEGIN;' . authenticate($token) . sprintf($insert, 'kept') . "PREPARE TRANSACTION 'a';", $tenant{acme}{id},
    'a tenant prepares a transaction');
gives($first, 'SHOW tenant_guard.tenant_id;', '', 'the session has no tenant afterwards');
gives($first, 'SELECT tenant_guard.tenant_id() IS NULL;', 't', 'nor has tenant_id()');
refuses($first, 'SELECT notes FROM customers;', '28000', 'and reads nothing');
gives($first, 'BEGIN;' . authenticate(mint('globex')) . 'SELECT count(*) FROM products WHERE sku = $$kept$$; COMMIT;',
    "$tenant{globex}{id}\n0", 'another tenant can use the session');

gives($second, "COMMIT PREPARED 'a';", '', 'another session commits it');
gives($second, 'SHOW tenant_guard.tenant_id;', '', 'and gets no tenant from it');
refuses($second, 'SELECT notes FROM customers;', '28000', 'nor rows');
gives($second, 'BEGIN;' . authenticate($token) . 'SELECT tenant_id FROM products WHERE sku = $$kept$$; COMMIT;',
    "$tenant{acme}{id}\n$tenant{acme}{id}", 'the row is there, and belongs to the tenant that wrote it');

ask($first, 'BEGIN;' . authenticate($token) . sprintf($insert, 'taken back') . "PREPARE TRANSACTION 'b';");
gives($second, "ROLLBACK PREPARED 'b';", '', 'another session rolls one back');
gives($first, 'BEGIN;' . authenticate($token) . 'SELECT count(*) FROM products WHERE sku = $$taken back$$; COMMIT;',
    "$tenant{acme}{id}\n0", 'and nothing is left of it');

# Transactions that end otherwise, in one session.
for my $end ('COMMIT', 'ROLLBACK', 'COMMIT AND CHAIN', 'ROLLBACK AND CHAIN')
{
    gives($first, 'BEGIN;' . authenticate($token) . "$end;", $tenant{acme}{id}, "$end ends a transaction");
    gives($first, 'SHOW tenant_guard.tenant_id;', '', "$end takes the tenant away");
    refuses($first, 'SELECT notes FROM customers;', '28000', "after $end there are no rows");
    ask($first, 'ROLLBACK;') if $end =~ /CHAIN/;
}

# A crash between the two phases does not bring the tenant back either.
ask($first, 'BEGIN;' . authenticate($token) . sprintf($insert, 'survives') . "PREPARE TRANSACTION 'c';");
$_->quit for $first, $second;
$node->stop('immediate');
$node->start;
gives($node, "COMMIT PREPARED 'c'; SHOW tenant_guard.tenant_id;", '', 'after a crash it can be committed, without a tenant');
gives($node, "SELECT tenant_id FROM products WHERE sku = 'survives'", $tenant{acme}{id}, 'and the row is the tenant\'s', user => '');
done_testing();
