# Logical replication of protected tables: all tenants, one tenant by row filters, and who may not. Rows arrive where the
# worker is not subject to row security, and are isolated there; elsewhere PostgreSQL refuses, and not one row is lost or
# left over in silence.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils;
use TenantGuard;

my $publisher = new_cluster('publisher', init => { allows_streaming => 'logical' });
$publisher->start;
load_sample($publisher);
$publisher->safe_psql('sample', <<"END");
CREATE PUBLICATION all_tenants FOR TABLES IN SCHEMA public;
CREATE PUBLICATION of_acme FOR TABLE customers WHERE (tenant_id = '$tenant{acme}{id}'), orders WHERE (tenant_id = '$tenant{acme}{id}');
CREATE PUBLICATION customers_only FOR TABLE customers;
-- The role for replication of docs/operations.md, and one that row security holds.
CREATE ROLE replicator LOGIN REPLICATION BYPASSRLS;
CREATE ROLE held LOGIN REPLICATION;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO replicator, held;
END

my $subscriber = new_cluster('subscriber', init => { allows_streaming => 'logical' }, conf => 'wal_retrieve_retry_interval = 100ms');
$subscriber->start;
for my $db ('sample', 'acme_only', 'refused')
{
    $subscriber->safe_psql('postgres', "CREATE DATABASE $db");
    $subscriber->command_ok(
        [
            'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $subscriber->connstr($db),
            '-f', 'test/sample/roles.sql', '-f', 'test/sample/schema.sql', '-c', 'CREATE EXTENSION tenant_guard', '-f', 'test/sample/protect.sql'
        ],
        "the empty, protected schema is in $db");
    add_test_key($subscriber, $db);
}

# From 16 on a worker acts as the owner of each table, whom forced row security holds, unless told otherwise.
my $acts_as_table_owner = $subscriber->safe_psql('postgres', "SELECT current_setting('server_version_num')::int >= 160000") eq 't';
sub subscribe
{
    my ($db, $name, $publication, %with) = @_;
    my $user = $with{user} // 'replicator';
    my $options = $acts_as_table_owner && !$with{as_table_owner} ? 'WITH (run_as_owner = true)' : '';
    my $connection = $publisher->connstr('sample') =~ s/'/''/gr;
    return $subscriber->safe_psql($db, "CREATE SUBSCRIPTION $name CONNECTION '$connection user=$user " . ($with{connection} // '') . "' PUBLICATION $publication $options");
}
sub catches_up { my ($db, $name) = @_; return $subscriber->wait_for_subscription_sync($publisher, $name, $db); }
sub is_logged { my ($pattern, $what) = @_; $subscriber->wait_for_log($pattern); return pass($what); }

# All tenants.
my $counts = join ' UNION ALL ', map { "SELECT '$_', count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM $_ t" }
  qw(tenants users customers products orders order_items subscriptions events support_tickets usage_daily countries plans customer_names);
subscribe('sample', 'everybody', 'all_tenants');
catches_up('sample', 'everybody');
is($subscriber->safe_psql('sample', "$counts ORDER BY 1"), $publisher->safe_psql('sample', "$counts ORDER BY 1"), 'every row of every tenant is copied');

my $as_acme = "BEGIN; SET LOCAL tenant_guard.token = '" . mint('acme') . "'; ";
my ($out, $err) = run_sql($publisher, $as_acme . <<'END');
INSERT INTO customers (full_name, email, country_code, region, notes) VALUES ('New', 'new@acme', 'DE', 'EU', 'new here');
UPDATE customers SET notes = 'changed here' WHERE notes ~ 'canary';
DELETE FROM subscriptions;
DELETE FROM order_items WHERE line_no = 1;
INSERT INTO events (customer_id, session, name, occurred_at) VALUES (1, 1, 'replicated', '2024-05-05');
COMMIT;
END
is($err, '', 'a tenant changes its rows at the publisher');
$publisher->safe_psql('sample', 'TRUNCATE support_tickets');
$publisher->wait_for_catchup('everybody');
is($subscriber->safe_psql('sample', "$counts ORDER BY 1"), $publisher->safe_psql('sample', "$counts ORDER BY 1"), 'and they arrive, to the row');
gives($subscriber, $as_acme . 'SELECT count(DISTINCT tenant_id), count(*) FILTER (WHERE notes IN ($$changed here$$, $$new here$$)), count(*) FILTER (WHERE notes ~ $$canary$$) FROM customers;'
      . 'SELECT count(*) FROM events WHERE name = $$replicated$$', "1|2|0\n1", 'a tenant sees its rows there, and no others');
refuses($subscriber, 'SELECT notes FROM customers', '28000', 'and nobody without a tenant');
refuses($subscriber, $as_acme . 'SELECT full_name FROM customer_names', '42501', 'what nobody protected is refused there as well');

# One tenant, by row filters.
subscribe('acme_only', 'acme', 'of_acme');
catches_up('acme_only', 'acme');
$publisher->safe_psql('sample', "UPDATE customers SET region = 'moved'; DELETE FROM order_items; DELETE FROM orders WHERE status = 'refunded'");
$publisher->wait_for_catchup('acme');
my $of_acme = "SELECT count(*), count(*) FILTER (WHERE region = 'moved') FROM customers WHERE tenant_id = '$tenant{acme}{id}';"
  . "SELECT count(*) FROM orders WHERE tenant_id = '$tenant{acme}{id}'";
is($subscriber->safe_psql('acme_only', $of_acme), $publisher->safe_psql('sample', $of_acme), 'by row filters one tenant arrives');
is($subscriber->safe_psql('acme_only', "SELECT count(*) FROM customers WHERE tenant_id <> '$tenant{acme}{id}'"), '0', 'and no other');

# A publisher's role that row security holds would copy no rows: with row_security off it is told so.
subscribe('refused', 'filtered', 'customers_only', user => 'held', connection => 'options=-crow_security=off');
is_logged(qr/could not start initial contents copy[^\n]*query would be affected by row-level security policy/, 'a copy that row security would empty is refused');
$subscriber->safe_psql('refused', 'ALTER SUBSCRIPTION filtered DISABLE; ALTER SUBSCRIPTION filtered SET (slot_name = NONE); DROP SUBSCRIPTION filtered');

# A worker that row security holds: refused by the server, and nothing is written. In 15 it acts as the subscription's owner.
$subscriber->safe_psql('refused', 'CREATE ROLE boss LOGIN SUPERUSER');
subscribe('refused', 'held_back', 'customers_only', as_table_owner => 1);
if (!$acts_as_table_owner)
{
    catches_up('refused', 'held_back');
    $subscriber->safe_psql('refused', 'ALTER SUBSCRIPTION held_back OWNER TO boss; ALTER ROLE boss NOSUPERUSER; GRANT ALL ON customers TO boss; TRUNCATE customers CASCADE');
    $publisher->safe_psql('sample', "UPDATE customers SET region = 'again'");
}
is_logged(qr/cannot replicate into relation with row-level security enabled: "customers"/, 'a worker that row security holds is refused, and says why');
is($subscriber->safe_psql('refused', 'SELECT count(*) FROM customers'), '0', 'and wrote nothing');
done_testing();
