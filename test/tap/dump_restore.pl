# A dump and its restore reproduce the protection, without errors: by psql, by pg_restore in parallel, in the same
# server and in another one. Keys and secrets stay behind.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils;
use TenantGuard;

my $node = start_sample('main');
my $directory = PostgreSQL::Test::Utils::tempdir();
my $token = mint('acme');

# Beside the sample: names that need quoting, what the administrator declared otherwise, what auto_protect did.
$node->safe_psql('sample', <<'END');
CREATE SCHEMA "Odd Names";
CREATE TABLE "Odd Names"."Ta ble" ("Tenant Id" bigint NOT NULL, "select" text);
SELECT tenant_guard.protect('"Odd Names"."Ta ble"', 'Tenant Id');
INSERT INTO "Odd Names"."Ta ble" VALUES (1, 'one'), (2, 'two');
GRANT USAGE ON SCHEMA "Odd Names" TO app;
GRANT ALL ON "Odd Names"."Ta ble" TO app;
CREATE TABLE made_later (tenant_id uuid, note text);
INSERT INTO made_later SELECT id, slug FROM tenants;
CREATE POLICY of_their_own ON made_later FOR SELECT USING (note <> '');
GRANT ALL ON made_later TO app;
SELECT tenant_guard.declare_shared('plans', 'price list, with quotes '' and "', true);
SELECT tenant_guard.add_issuer('https://issuer.example', ARRAY['dashboard']);
SELECT tenant_guard.guard_role('saas_owner', 'authenticated');
CREATE FUNCTION "Odd Names".all_customers("Tenant Id" bigint DEFAULT 1) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp BEGIN ATOMIC SELECT count(*) FROM customers; END;
SELECT tenant_guard.allow_function('"Odd Names".all_customers(bigint)', 'over all tenants');
END

my $protection = 'SELECT relation::text, kind, status, tenant_column, reason, findings FROM tenant_guard.protection ORDER BY 1';
my $declarations = 'SELECT relation::text, status, tenant_column, writable, reason, row_security_before, force_before,'
  . ' added_default, added_access_policy FROM tenant_guard.relations ORDER BY 1';
my $policies = 'SELECT polrelid::regclass::text, polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid),'
  . ' pg_get_expr(polwithcheck, polrelid) FROM pg_policy ORDER BY 1, 2';
my $rest = 'SELECT role, mode FROM tenant_guard.guarded_roles ORDER BY role::text; SELECT issuer, audience FROM tenant_guard.issuers ORDER BY 1;'
  . 'SELECT function, owner, status, reason, allowed_by, allowed_at FROM tenant_guard.allowed_functions;'
  . q{SELECT attrelid::regclass::text, attname, pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid
      AND attnum = adnum WHERE attrelid >= 16384 ORDER BY 1, 2};

sub is_the_same
{
    my ($where, $db, $how) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for my $row ([ 'protection', $protection ], [ 'declarations', $declarations ], [ 'policies', $policies ],
        [ 'roles, issuers and defaults', $rest ])
    {
        my ($what, $sql) = @$row;
        is($where->safe_psql($db, $sql), $node->safe_psql('sample', $sql), "$how: $what as before");
    }
    is($where->safe_psql($db, 'SELECT count(*) FROM tenant_guard.signing_keys'), '0', "$how: no key came along");
    refuses($where, authenticate($token), '28T06', "$how: so that no token works", db => $db);

    add_test_key($where, $db);
    my %as_app = (db => $db);
    gives($where, "BEGIN;\n" . authenticate($token) . 'SELECT count(DISTINCT tenant_id), max(notes) FILTER (WHERE notes ~ $$canary$$) FROM customers;'
          . 'SELECT note FROM made_later;', "$tenant{acme}{id}\n1|canary-acme\nacme", "$how: with a key the tenant sees its rows only", %as_app);
    gives($where, "BEGIN;\n" . authenticate(mint('2')) . 'SELECT "select" FROM "Odd Names"."Ta ble";', "2\ntwo",
        "$how: also in the table with odd names", %as_app);
    refuses($where, 'SELECT notes FROM customers', '28000', "$how: nobody without a tenant", %as_app);
    refuses($where, 'SELECT full_name FROM customer_names', '42501', "$how: the forgotten table is refused", %as_app);
    refuses($where, 'ALTER TABLE customers DISABLE ROW LEVEL SECURITY', '42501', "$how: the shield is up", %as_app, user => '');
    gives($where, 'SELECT count(*) > 0 FROM tenant_guard.unprotect($$made_later$$); SELECT relrowsecurity FROM pg_class WHERE relname = $$made_later$$',
        qr/f$/, "$how: and unprotect() takes it back", %as_app, user => '');
    return;
}

sub dump_to { my ($file, @options) = @_; return $node->command_ok([ 'pg_dump', '-f', $file, @options, $node->connstr('sample') ], "pg_dump @options"); }
# psql must read the dump to the end without one error.
sub restores
{
    my ($where, $db, $file, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($out, $err);
    my $ok = IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $where->connstr($db), '-f', $file ],
        '>', \$out, '2>', \$err);
    ok($ok && $err !~ /ERROR/, $name) or diag($err);
}

dump_to("$directory/plain.sql");
my $dump = slurp_file("$directory/plain.sql");
my $secret_hex = $node->safe_psql('sample', "SELECT encode(material, 'hex') FROM tenant_guard.signing_keys");
isnt($secret_hex, '', 'there is a secret');
is(index($dump, $secret_hex), -1, 'it is not in the dump');
unlike($dump, qr/COPY tenant_guard\.signing_keys/, 'nor is its table');
like($dump, qr/COPY tenant_guard\.relations/, 'the declarations are');
$node->safe_psql('postgres', 'CREATE DATABASE by_psql');
restores($node, 'by_psql', "$directory/plain.sql", 'psql restores it without an error');
is_the_same($node, 'by_psql', 'pg_dump | psql');

dump_to("$directory/custom.dump", '-Fc');
for my $jobs (1, 2)
{
    $node->safe_psql('postgres', "CREATE DATABASE by_restore_$jobs");
    $node->command_ok([ 'pg_restore', '-e', '-j', $jobs, '-d', $node->connstr("by_restore_$jobs"), "$directory/custom.dump" ],
        "pg_restore -j $jobs restores it without an error");
    is_the_same($node, "by_restore_$jobs", "pg_restore -j $jobs");
}

# Without data the declarations are missing too: what is not declared is refused, and nothing is open.
dump_to("$directory/schema.sql", '--schema-only');
$node->safe_psql('postgres', 'CREATE DATABASE schema_only');
restores($node, 'schema_only', "$directory/schema.sql", 'psql restores --schema-only without an error');
$node->safe_psql('schema_only', "SET session_replication_role = replica; INSERT INTO customers (tenant_id, full_name, email, country_code, region, notes)"
      . " SELECT ('$tenant{'acme'}{id}')::uuid, 'n', 'e', 'DE', 'EU', 'canary-acme'");
refuses($node, $_, '(?:28000|42501)', "--schema-only: $_ is refused", db => 'schema_only')
  for 'SELECT notes FROM customers', 'SELECT slug FROM tenants', 'SELECT full_name FROM customer_names';
add_test_key($node, 'schema_only');
my ($rows) = run_sql($node, 'BEGIN; SET LOCAL tenant_guard.token = $$' . mint('globex') . '$$; SELECT notes FROM customers;', db => 'schema_only');
is($rows, '', '--schema-only: another tenant sees nothing');

# Another server: roles first, as people do, and twice, as people do too.
my $other = new_cluster('other');
$other->start;
$node->command_ok([ 'pg_dumpall', '--roles-only', '-f', "$directory/roles.sql", '-d', $node->connstr('postgres') ], 'pg_dumpall --roles-only');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
for my $time ('first', 'second')
{
    my ($out, $err);
    IPC::Run::run([ 'psql', '-X', '-q', '-o', '/dev/null', '-d', $other->connstr('postgres'), '-f', "$directory/roles.sql" ], '>', \$out, '2>', \$err);
    my @errors = grep { /ERROR/ && !/role ".*" already exists/ } split /\n/, $err;
    is("@errors", '', "the roles, for the $time time: no error but that they exist");
}
is($other->safe_psql('postgres', q{SELECT 'tenant_guard.enforce=always' = ANY (setconfig) FROM pg_db_role_setting WHERE setrole = 'app'::regrole}),
    't', 'app is guarded there');
$other->safe_psql('postgres', 'CREATE DATABASE sample');
refuses($other, 'SELECT 1 FROM pg_class', '55000', 'and refused until the extension is there');
restores($other, 'sample', "$directory/plain.sql", 'psql restores the dump in another server without an error');
is_the_same($other, 'sample', 'another server');

# The whole server.
my $whole = new_cluster('whole');
$whole->start;
$node->safe_psql('postgres', "DROP DATABASE $_") for qw(by_psql by_restore_1 by_restore_2 schema_only);
$node->command_ok([ 'pg_dumpall', '-f', "$directory/all.sql", '-d', $node->connstr('postgres') ], 'pg_dumpall');
is(index(slurp_file("$directory/all.sql"), $secret_hex), -1, 'pg_dumpall writes no secret either');
my ($out, $err);
IPC::Run::run([ 'psql', '-X', '-q', '-o', '/dev/null', '-d', $whole->connstr('postgres'), '-f', "$directory/all.sql" ], '>', \$out, '2>', \$err);
my @errors = grep { /ERROR/ && !/role "$superuser" already exists/ } split /\n/, $err;
is("@errors", '', 'psql restores it without an error');
is_the_same($whole, 'sample', 'pg_dumpall');
done_testing();
