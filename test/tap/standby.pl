# A hot standby answers the same tenants with the same rows, and hears of everything that the primary declares: keys
# that were retired and relations that were protected or taken back must reach its open sessions and cached plans.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Cluster;
use TenantGuard;

my $primary = start_sample('primary', init => { allows_streaming => 1 });
# Statements of a PL/pgSQL function keep their plans as those of a driver's prepared statements.
$primary->safe_psql('sample', <<'END');
CREATE FUNCTION count_notes() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT count(*) FROM notes); END';
CREATE FUNCTION count_countries() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT count(*) FROM countries); END';
SET tenant_guard.auto_protect = off;
CREATE TABLE notes (tenant_id uuid NOT NULL, note text);
INSERT INTO notes SELECT id, 'canary-' || slug FROM tenants;
GRANT ALL ON notes TO app;
SELECT tenant_guard.declare_shared('notes', 'for the time being');
END

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

sub on_primary
{
    $primary->safe_psql('sample', $_[0]);
    $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
    return;
}

my $id = $tenant{acme}{id};
my $old = mint('acme');
my $begin = 'BEGIN;' . authenticate($old);
my $open = session($standby);
my $expected = $primary->safe_psql('sample', "SELECT count(*) FROM customers WHERE tenant_id = '$id'");

gives($standby, 'SELECT pg_is_in_recovery()', 't', 'the standby is one', user => '');
gives($open, $begin . 'SELECT count(*), count(DISTINCT tenant_id) FROM customers; COMMIT;', "$id\n$expected|1",
    'a tenant sees its rows on the standby');
gives($open, "BEGIN; SET LOCAL tenant_guard.token = '$old'; SELECT tenant_guard.tenant_id(); COMMIT;", $id,
    'and authenticates with SET LOCAL');
refuses($open, 'SELECT notes FROM customers;', '28000', 'without a token there is nothing');
ask($open, $begin);
refuses($open, 'SELECT full_name FROM customer_names;', '42501', 'the guard is there as well');
ask($open, 'ROLLBACK;');
refuses($open, "SET tenant_guard.tenant_id = '$id';", '42501', 'and the setting cannot be set');

# Six times, so that a generic plan would be chosen if there were a choice.
gives($open, $begin . 'SELECT count_notes() FROM generate_series(1, 6); COMMIT;', join("\n", $id, (60) x 6),
    'a cached plan reads what is declared shared');
on_primary("SELECT tenant_guard.undeclare_shared('notes')");
ask($open, $begin);
refuses($open, 'SELECT count_notes();', '42501', 'undeclared on the primary: the cached plan is refused');
ask($open, 'ROLLBACK;');
on_primary("SELECT tenant_guard.protect('notes')");
gives($open, $begin . 'SELECT count_notes(); COMMIT;', "$id\n1", 'protected on the primary: it reads the tenant\'s row');
gives($open, 'BEGIN;' . authenticate(mint('globex')) . 'SELECT note FROM notes; COMMIT;', "$tenant{globex}{id}\ncanary-globex",
    'and the next tenant its own');
on_primary("SELECT tenant_guard.unprotect('notes')");
ask($open, $begin);
refuses($open, 'SELECT count_notes();', '42501', 'unprotected on the primary: it is refused again');
ask($open, 'ROLLBACK;');
gives($open, $begin . 'SELECT count_countries(); COMMIT;', "$id\n40", 'another declaration is as it was');

# Keys.
add_test_key($primary, 'sample', 'hs2');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
my $new = mint('acme', '--kid', 'hs2');
gives($open, 'BEGIN;' . authenticate($new), $id, 'a key added on the primary is known');
on_primary("SELECT tenant_guard.retire_key('hs')");
refuses($open, "SAVEPOINT a;\n" . authenticate($old), '28T07', 'a key retired on the primary is refused in the open transaction');
ask($open, 'ROLLBACK;');
refuses($open, $begin, '28T07', 'and in the next');
ask($open, 'ROLLBACK;');

# Revocations: of what the open session has remembered.
my %revoke = (
    revoke_token => q{'id-1', now() + '1 hour'}, revoke_subject => q{'ada', now() + '1 minute'},
    revoke_tenant => qq{'$id', now() + '1 minute'});
my $named = mint('acme', '--kid', 'hs2', '--sub', 'ada', '--claim', 'jti="id-1"');
for my $function (sort keys %revoke)
{
    gives($open, 'BEGIN;' . authenticate($named) . 'COMMIT;', $id, "before $function() on the primary a token is good");
    on_primary("SELECT tenant_guard.$function($revoke{$function})");
    refuses($open, "BEGIN;\n" . authenticate($named), '28T17', 'after it the open session refuses it');
    ask($open, 'ROLLBACK;');
    on_primary('DELETE FROM tenant_guard.revocations');
}

# Roles.
$primary->safe_psql('sample', 'CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
my $reader = session($standby, user => 'reader');
gives($reader, 'SELECT count(*) FROM customer_names;', qr/^\d+$/, 'a role that is not guarded reads an unprotected table');
on_primary("SELECT tenant_guard.guard_role('reader')");
refuses($reader, 'SELECT count(*) FROM customer_names;', '42501', 'guard_role() on the primary reaches its open session');

# Promoted, it is a primary like any other.
$_->quit for $reader, $open;
$standby->promote;
gives($standby, 'BEGIN;' . authenticate($new) . "INSERT INTO products (sku, name, category, price) VALUES ('s', 'n', 'c', 1) RETURNING tenant_id;"
      . 'COMMIT;', qr/^$id\n$id$/, 'after promotion a tenant writes its rows');
done_testing();
