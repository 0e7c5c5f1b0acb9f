# ALTER EXTENSION UPDATE from the first version ends with the objects of a fresh installation, one by one; what was
# protected stays protected before, during and after; what administrators granted stays granted, and is dumped.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils;
use TenantGuard;

my $from = '0.1.0';
my ($to) = slurp_file('tenant_guard.control') =~ /^default_version = '(.*)'/m;
isnt($to, $from, "from $from to $to");

my $node = new_cluster('main');
$node->start;

# Each member and each property of it. The query is a file, so that it can be run by hand.
sub objects
{
    my ($db) = @_;
    my $out;
    IPC::Run::run([ 'psql', '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db), '-f', 'test/upgrade/objects.sql' ], '>', \$out)
      or BAIL_OUT("objects.sql fails in $db");
    return $out;
}

sub differences
{
    my ($fresh, $upgraded) = @_;
    my %side;
    $side{$_}-- for split /\n(?! )/, $fresh;
    $side{$_}++ for split /\n(?! )/, $upgraded;
    return join "\n", map { ($side{$_} < 0 ? 'only in the fresh: ' : 'only in the upgraded: ') . $_ } grep { $side{$_} != 0 } sort keys %side;
}

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION tenant_guard');

# The first version, at work: the sample protected, keys, declarations, roles, grants to an administrator. Its own library
# is not here, and the new one refuses DDL until the upgrade: so its event triggers are off while it protects.
my @triggers = map { "ALTER EVENT TRIGGER $_" } split /\n/, $node->safe_psql('fresh', q{SELECT evtname FROM pg_event_trigger});
$node->safe_psql('postgres', 'CREATE DATABASE sample');
$node->command_ok(
    [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'scale=50', '-o', '/dev/null', '-d', $node->connstr('sample'),
        '-f', 'test/sample/load.sql', '-c', "CREATE EXTENSION tenant_guard VERSION '$from'",
        '-c', join('; ', map { "$_ DISABLE" } @triggers), '-f', 'test/sample/protect.sql',
        '-c', join('; ', map { "$_ ENABLE" } @triggers) ],
    "the sample under $from");
add_test_key($node);
$node->safe_psql('sample', <<'END');
CREATE ROLE dba;
GRANT USAGE ON SCHEMA tenant_guard TO dba;
GRANT EXECUTE ON FUNCTION tenant_guard.protect(regclass, name), tenant_guard.health() TO dba;
GRANT SELECT ON tenant_guard.keys, tenant_guard.protection TO dba;
REVOKE EXECUTE ON FUNCTION tenant_guard.claims() FROM PUBLIC;
SELECT tenant_guard.revoke_token('an-id', 'infinity');
END
my $token = mint('acme');
my $read = "BEGIN;\n" . authenticate($token) . 'SELECT count(DISTINCT tenant_id), max(notes) FILTER (WHERE notes ~ $$canary$$) FROM customers; COMMIT;';
my $rows = "$tenant{acme}{id}\n1|canary-acme";
my $policies = q{SELECT polrelid::regclass, polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
  FROM pg_policy ORDER BY polrelid, polname};
my $rest = q{SELECT relation, status, tenant_column, writable, reason, added_default, added_access_policy FROM tenant_guard.relations ORDER BY relation;
  SELECT role, mode FROM tenant_guard.guarded_roles ORDER BY role; SELECT kid, algorithm, material FROM tenant_guard.signing_keys;
  SELECT kind, value FROM tenant_guard.revocations};
my ($policies_before, $rest_before) = map { $node->safe_psql('sample', $_) } $policies, $rest;
isnt(differences(objects('fresh'), objects('sample')), '', 'the versions differ, and the comparison notices');

# Between the restart with the new library and the upgrade nothing is open, and the error says what to run.
my $session = session($node);
refuses($session, $read, '55000', "under $from the library of $to refuses tokens", message => qr/version \Q$to\E[^\0]*version \Q$from\E[^\0]*ALTER EXTENSION tenant_guard UPDATE/);
ask($session, 'ROLLBACK;');
refuses($session, 'SELECT notes FROM customers;', '55000', 'and the guarded role everything');
refuses($node, 'SELECT full_name FROM customer_names;', '55000', 'also what nobody protected');
is($node->safe_psql('sample', q{SELECT ok FROM tenant_guard.health() WHERE "check" = 'version'}), 'f', 'health() says so');

$node->safe_psql('sample', 'ALTER EXTENSION tenant_guard UPDATE');
is($node->safe_psql('sample', q{SELECT extversion FROM pg_extension WHERE extname = 'tenant_guard'}), $to, "upgraded to $to");
gives($session, $read, $rows, 'a session that was there before goes on, with its rows only');
$session->quit;
gives($node, $read, $rows, 'so does a new one');
refuses($node, 'SELECT notes FROM customers;', '28000', 'nobody without a tenant');
refuses($node, 'SELECT full_name FROM customer_names;', '42501', 'the forgotten table is refused');
is($node->safe_psql('sample', q{SELECT ok FROM tenant_guard.health() WHERE "check" = 'version'}), 't', 'health() is content');
is($node->safe_psql('sample', $policies), $policies_before, 'policies are as they were');
is($node->safe_psql('sample', $rest), $rest_before, 'declarations, roles, keys and revocations too');
is($node->safe_psql('sample', 'SELECT count(*) FROM tenant_guard.protect_all()'), '0', 'and nothing is left to do');
gives($node, 'SELECT count(*) > 0 FROM tenant_guard.unprotect($$orders$$); SELECT relrowsecurity FROM pg_class WHERE relname = $$orders$$;',
    qr/^t\nf$/, 'unprotect() takes back what the first version did', user => '');
gives($node, 'SELECT count(*) > 0 FROM tenant_guard.protect($$orders$$); CREATE TABLE later (tenant_id uuid); SELECT relrowsecurity FROM pg_class WHERE relname = $$later$$;',
    qr/^t\nt$/, 'and protection goes on', user => '');
$node->safe_psql('sample', 'DROP TABLE later');

# What an administrator granted and revoked: still so, and in the dump. An extension's script that grants again would
# make it part of the extension, and lose it there.
is($node->safe_psql('sample', q{SELECT has_function_privilege('dba', 'tenant_guard.protect(regclass, name)', 'EXECUTE'),
  has_table_privilege('dba', 'tenant_guard.keys', 'SELECT') AND has_table_privilege('dba', 'tenant_guard.protection', 'SELECT'), has_function_privilege('app', 'tenant_guard.claims()', 'EXECUTE'),
  has_function_privilege('app', 'tenant_guard.protect(regclass, name)', 'EXECUTE')}), 't|t|f|f', 'grants are as they were');
my ($dump) = run_command([ 'pg_dump', '--schema-only', $node->connstr('sample') ]);
like($dump, qr/^GRANT ALL ON FUNCTION tenant_guard\.protect\(.*TO dba;$/m, 'the grant on a function is dumped');
like($dump, qr/^GRANT SELECT ON TABLE tenant_guard\.keys TO dba;$/m, 'and the one on a view');
like($dump, qr/^REVOKE ALL ON FUNCTION tenant_guard\.claims\(\) FROM PUBLIC;$/m, 'and what was revoked');

# Object by object; the grants above are taken back, since the fresh one has none.
$node->safe_psql('sample', <<'END');
REVOKE ALL ON SCHEMA tenant_guard FROM dba;
REVOKE ALL ON FUNCTION tenant_guard.protect(regclass, name), tenant_guard.health() FROM dba;
REVOKE ALL ON tenant_guard.keys, tenant_guard.protection FROM dba;
GRANT EXECUTE ON FUNCTION tenant_guard.claims() TO PUBLIC;
END
is(differences(objects('fresh'), objects('sample')), '', 'object by object equal to a fresh installation');

# A comparison that cannot fail proves nothing.
for my $change (
    [ 'another body', 'CREATE OR REPLACE FUNCTION tenant_guard.relation_kind(relkind "char") RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT NULL::text $$' ],
    [ 'a column more', 'ALTER TABLE tenant_guard.issuers ADD COLUMN note text' ],
    [ 'a constraint less', 'ALTER TABLE tenant_guard.issuers DROP CONSTRAINT issuers_max_age_check' ],
    [ 'a privilege more', 'GRANT EXECUTE ON FUNCTION tenant_guard.health() TO PUBLIC' ],
    [ 'a trigger that replication skips', 'ALTER TABLE tenant_guard.issuers ENABLE TRIGGER table_changed' ],
    [ 'an event trigger that is off', 'ALTER EVENT TRIGGER tenant_guard_protect_new_relations DISABLE' ],
    [ 'a comment less', 'COMMENT ON FUNCTION tenant_guard.health() IS NULL' ],
    [ 'an object that is no member', 'CREATE TABLE tenant_guard.stray (n int)' ])
{
    my ($what, $sql) = @$change;
    my $name = 'changed';
    $node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE fresh");
    $node->safe_psql($name, $sql);
    isnt(differences(objects('fresh'), objects($name)), '', "the comparison notices $what");
    $node->safe_psql('postgres', "DROP DATABASE $name");
}

# The new files are installed and the server not yet restarted: the update says so, before it changes anything.
my ($directory) = run_command([ 'pg_config', '--sharedir' ]);
my $script = slurp_file("$directory/extension/tenant_guard--$from--$to.sql");
my $future = "$directory/extension/tenant_guard--$to--99.0.0.sql";
$script =~ s/\Q$to\E/99.0.0/g or BAIL_OUT('the script does not name its version');
append_to_file($future, $script);
my ($out, $err) = run_sql($node, q{ALTER EXTENSION tenant_guard UPDATE TO '99.0.0';}, user => '');
unlink $future;
like($err, qr/55000: the server has not loaded the library of version 99\.0\.0\nDETAIL: .*\Q$to\E.*\nHINT: .*[Rr]estart/, 'an update before the restart is refused');
is($node->safe_psql('sample', q{SELECT extversion FROM pg_extension WHERE extname = 'tenant_guard'}), $to, 'and changes nothing');

# What the upgrade script is assembled from: a statement that could not run twice ends the build.
my $fragment = PostgreSQL::Test::Utils::tempdir() . '/fragment.sql';
for my $case (
    [ 'a table', "CREATE TABLE tenant_guard.t (n int);\n", qr/^CREATE TABLE IF NOT EXISTS tenant_guard\.t \(n int\);$/m ],
    [ 'a type', "CREATE TYPE tenant_guard.t AS ENUM ('a;');\n", qr/to_regtype\('tenant_guard\.t'\) IS NULL THEN\nCREATE TYPE/ ],
    [ 'a function whose body looks like statements', "CREATE FUNCTION tenant_guard.f() RETURNS void LANGUAGE sql AS \$\$\nGRANT x TO y;\n\$\$;\n",
        qr/^CREATE OR REPLACE FUNCTION [^;]*\$\$\nGRANT x TO y;\n\$\$;$/m ],
    [ 'a row', "INSERT INTO tenant_guard.t VALUES (1) ON CONFLICT DO NOTHING;\n", qr/^INSERT/m ],
    [ 'a row that would be there twice', "INSERT INTO tenant_guard.t\nVALUES (1);\n" ],
    [ 'a grant', "GRANT EXECUTE ON FUNCTION\n  tenant_guard.f() TO PUBLIC;\n" ],
    [ 'a column', "ALTER TABLE tenant_guard.t ADD COLUMN m int;\n" ],
    [ 'a statement without an end', "COMMENT ON TABLE tenant_guard.t IS 'no end'\n" ])
{
    my ($what, $sql, $expected) = @$case;
    unlink $fragment;
    append_to_file($fragment, $sql);
    my ($assembled, $complaint);
    my $done = IPC::Run::run([ 'bash', 'sql/upgrade/assemble', "sql/upgrade/$from--$to.sql", $fragment ], '>', \$assembled, '2>', \$complaint);
    if ($expected) { ok($done && $assembled =~ $expected, "$what is upgraded") or diag($assembled . $complaint); }
    else { ok(!$done && $complaint =~ /^\Q$fragment\E:\d+: /, "$what ends the build") or diag($assembled); }
}
done_testing();
