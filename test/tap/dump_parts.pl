# Parts of a dump, and dumps into databases that are not empty of us: a schema, single tables, the rows alone, a directory
# restored by four workers, by a backup role that is no superuser, where the extension is installed already and where
# it is not. Copies by TEMPLATE. What a part does not bring along is refused, and nothing is open.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils;
use TenantGuard;

my $node = start_sample('main');
my $directory = PostgreSQL::Test::Utils::tempdir();
my $secret_hex = $node->safe_psql('sample', "SELECT encode(material, 'hex') FROM tenant_guard.signing_keys");

$node->safe_psql('sample', <<'END');
SELECT tenant_guard.protect_via('customer_names', 'customers');
SELECT tenant_guard.add_issuer('https://issuer.example', ARRAY['dashboard']);
SELECT tenant_guard.revoke_subject('left', '2030-01-01');
CREATE SCHEMA billing AUTHORIZATION saas_owner;
CREATE TABLE billing.invoices (tenant_id uuid NOT NULL, id bigint PRIMARY KEY, total numeric);
CREATE TABLE billing.lines (invoice_id bigint NOT NULL REFERENCES billing.invoices, text text);
SELECT tenant_guard.protect_via('billing.lines', 'billing.invoices');
CREATE TABLE billing.currencies (code text);
SELECT tenant_guard.declare_shared('billing.currencies', 'ISO 4217');
INSERT INTO billing.invoices SELECT id, number, 1 FROM tenants;
INSERT INTO billing.lines SELECT number, 'canary-' || slug FROM tenants;
INSERT INTO billing.currencies VALUES ('EUR');
GRANT USAGE ON SCHEMA billing TO app;
GRANT ALL ON ALL TABLES IN SCHEMA billing TO app;
-- The role for backups of docs/operations.md.
CREATE ROLE backup LOGIN BYPASSRLS;
GRANT pg_read_all_data TO backup;
END
my $as_acme = "BEGIN; SET LOCAL tenant_guard.token = '" . mint('acme') . "'; ";
my $protection = 'SELECT relation::text, kind, status, tenant_column, reason, findings, how FROM tenant_guard.protection ORDER BY 1';
my $rest = 'SELECT role, mode FROM tenant_guard.guarded_roles ORDER BY role::text; SELECT issuer, audience FROM tenant_guard.issuers ORDER BY 1;'
  . 'SELECT kind, value, issued_before FROM tenant_guard.revocations ORDER BY 1, 2';

sub new_database
{
    my ($db, $is_installed) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    $node->safe_psql($db, 'CREATE EXTENSION tenant_guard') if $is_installed;
    return;
}

sub restores
{
    my ($db, $name, @command) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($out, $err) = ('', '');
    my $ok = IPC::Run::run([ @command, '-d', $node->connstr($db) ], '>', \$out, '2>', \$err);
    ok($ok && $err !~ /ERROR/, "$name: without an error") or diag($err);
}
sub by_psql { return ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', @_); }
sub dump_to { my ($file, @options) = @_; return $node->command_ok([ 'pg_dump', '-f', $file, @options, '-d', $node->connstr('sample') ], "pg_dump @options"); }

# Isolation on the copy: as the tenant, as nobody, and what nobody declared.
sub is_isolated
{
    my ($db, $how) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    add_test_key($node, $db);
    gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT string_agg(notes, $$ $$) FROM customers WHERE notes ~ $$canary$$',
        "$tenant{acme}{id}\ncanary-acme", "$how: a tenant sees its rows", db => $db);
    refuses($node, 'SELECT notes FROM customers', '28000', "$how: nobody without one", db => $db);
    return;
}

sub is_whole
{
    my ($db, $how) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($node->safe_psql($db, $protection), $node->safe_psql('sample', $protection), "$how: protected as before");
    is($node->safe_psql($db, $rest), $node->safe_psql('sample', $rest), "$how: roles, issuers and revocations as before");
    is_isolated($db, $how);
    gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT text FROM billing.lines; SELECT code FROM billing.currencies',
        "$tenant{acme}{id}\ncanary-acme\nEUR", "$how: also through a foreign key, and what is shared", db => $db);
    return;
}

# Whole, into databases with the extension and without.
dump_to("$directory/plain.sql");
dump_to("$directory/directory", '-Fd', '-j', '4');
dump_to("$directory/tar", '-Ft');
for my $is_installed (0, 1)
{
    my $where = $is_installed ? 'installed' : 'empty';
    new_database("plain_$where", $is_installed);
    restores("plain_$where", "plain, $where", by_psql("$directory/plain.sql"));
    is_whole("plain_$where", "plain, $where");
    new_database("directory_$where", $is_installed);
    restores("directory_$where", "directory, four workers, $where", 'pg_restore', '-e', '-j', '4', "$directory/directory");
    is_whole("directory_$where", "directory, $where");
}
new_database('tar', 0);
restores('tar', 'tar, one transaction', 'pg_restore', '-1', "$directory/tar");
is_whole('tar', 'tar');

# --clean: into an empty database, and over one that exists.
dump_to("$directory/clean.sql", '--clean', '--if-exists');
new_database('clean', 0);
restores('clean', '--clean --if-exists', by_psql("$directory/clean.sql"));
is_whole('clean', '--clean --if-exists');
$node->safe_psql('postgres', 'CREATE DATABASE keeps TEMPLATE sample');
is($node->safe_psql('keeps', $protection), $node->safe_psql('sample', $protection), 'TEMPLATE: protected as before');
is($node->safe_psql('keeps', $rest), $node->safe_psql('sample', $rest), 'TEMPLATE: roles, issuers and revocations as before');
gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT count(DISTINCT tenant_id) FROM customers', "$tenant{acme}{id}\n1",
    'TEMPLATE: the keys are there, and isolate', db => 'keeps');

# The schema, and the rows later.
dump_to("$directory/pre.sql", '--schema-only');
dump_to("$directory/rows.sql", '--data-only', '--disable-triggers');
dump_to("$directory/rows", '--data-only', '-Fd', '-j', '2');
new_database('rows', 0);
restores('rows', '--schema-only', by_psql("$directory/pre.sql"));
refuses($node, $_, '(?:42501|28000)', "--schema-only: $_ is refused", db => 'rows')
  for 'SELECT count(*) FROM billing.currencies', 'SELECT count(*) FROM customers', 'SELECT count(*) FROM billing.lines';
restores('rows', '--data-only', by_psql("$directory/rows.sql"));
is_whole('rows', '--data-only');

# A part of a database needs the extension, and not the declarations of what is not in it.
my @with_extension = ('-e', 'tenant_guard', '--exclude-table-data=tenant_guard.*');

# One schema: its tables are protected as they come; what is not recognised by its column is refused.
for my $is_installed (0, 1)
{
    my $where = $is_installed ? 'installed' : 'empty';
    dump_to("$directory/schema_$where.sql", '-n', 'billing', $is_installed ? () : @with_extension);
    new_database("schema_$where", $is_installed);
    restores("schema_$where", "a schema, $where", by_psql("$directory/schema_$where.sql"));
    add_test_key($node, "schema_$where");
    gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT count(*) FROM billing.invoices', "$tenant{acme}{id}\n1", "a schema, $where: isolated",
        db => "schema_$where");
    refuses($node, $as_acme . "SELECT count(*) FROM $_", '42501', "a schema, $where: $_ is refused until it is declared",
        db => "schema_$where")
      for 'billing.lines', 'billing.currencies';
    $node->safe_psql("schema_$where", q{SELECT tenant_guard.protect_via('billing.lines', 'billing.invoices')});
    gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT text FROM billing.lines', "$tenant{acme}{id}\ncanary-acme", "a schema, $where: and allowed then",
        db => "schema_$where");
}

# Single tables.
for my $is_installed (0, 1)
{
    my $where = $is_installed ? 'installed' : 'empty';
    dump_to("$directory/tables_$where", '-Fc', '-t', 'tenants', '-t', 'plans', '-t', 'countries', '-t', 'customers', $is_installed ? () : @with_extension);
    new_database("tables_$where", $is_installed);
    restores("tables_$where", "single tables, $where", 'pg_restore', '-e', "$directory/tables_$where");
    is_isolated("tables_$where", "single tables, $where");
    refuses($node, $as_acme . 'SELECT slug FROM tenants', '42501', "single tables, $where: a tenant column of another name is declared again",
        db => "tables_$where");
    $node->safe_psql("tables_$where", q{SELECT tenant_guard.protect('tenants', 'id')});
    gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT slug FROM tenants', "$tenant{acme}{id}\nacme", "single tables, $where: and then isolated",
        db => "tables_$where");
}

# The role for backups: everything, and no secret.
$node->command_ok([ 'pg_dump', '-f', "$directory/backup.sql", '-d', $node->connstr('sample'), '-U', 'backup' ], 'pg_dump by the role for backups');
is(index(slurp_file("$directory/backup.sql"), $secret_hex), -1, 'it has no secret in it');
new_database('backup_copy', 1);
restores('backup_copy', 'by the role for backups', by_psql("$directory/backup.sql"));
is_whole('backup_copy', 'by the role for backups');
$node->command_fails_like([ 'pg_dump', '-f', "$directory/owner.sql", '-d', $node->connstr('sample'), '--role', 'saas_owner' ], qr/permission denied|row-level security/,
    'pg_dump by an owner whom row security holds is refused by PostgreSQL, and writes no half of it');

# Over the database itself.
dump_to("$directory/custom", '-Fc');
restores('postgres', '--clean --create', 'pg_restore', '-e', '--clean', '--create', "$directory/custom");
is($node->safe_psql('sample', $protection), $node->safe_psql('keeps', $protection), '--clean --create: protected as before');
is_isolated('sample', '--clean --create');
done_testing();
