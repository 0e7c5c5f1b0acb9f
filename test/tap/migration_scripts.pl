# Plain scripts with version numbers, as Flyway and its like run them: several in one transaction, by an owner who is no
# superuser and has no rights on the extension; those that need it outside of one. After each, every table with a tenant
# column is protected; a script that fails leaves nothing of its transaction, and a table that cannot be protected fails
# its script.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils;
use TenantGuard;

my $node = new_cluster('main');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE sample');
$node->safe_psql('sample', <<'END');
CREATE EXTENSION tenant_guard;
CREATE ROLE migrator LOGIN;
CREATE ROLE app LOGIN;
CREATE SCHEMA shop AUTHORIZATION migrator;
ALTER ROLE migrator SET search_path = shop;
GRANT USAGE ON SCHEMA shop TO app;
SELECT tenant_guard.guard_role('app');
END
add_test_key($node);
my $directory = PostgreSQL::Test::Utils::tempdir();

my %script = (
    'V1__history.sql' => <<'END',
CREATE TABLE schema_history (rank int PRIMARY KEY, script text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now());
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT USAGE ON SEQUENCES TO app;
INSERT INTO schema_history VALUES (1, 'V1__history.sql');
END
    'V2__tables.sql' => <<'END',
CREATE TYPE state AS ENUM ('open', 'paid');
CREATE TABLE customers (tenant_id text NOT NULL, id bigserial, name text NOT NULL, PRIMARY KEY (tenant_id, id));
CREATE TABLE invoices (tenant_id text NOT NULL, id bigserial, customer_id bigint NOT NULL, state state NOT NULL DEFAULT 'open', total numeric,
                       at date NOT NULL DEFAULT '2026-01-15', PRIMARY KEY (tenant_id, id, at),
                       FOREIGN KEY (tenant_id, customer_id) REFERENCES customers) PARTITION BY RANGE (at);
CREATE FUNCTION make_partition(month date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE %I PARTITION OF invoices FOR VALUES FROM (%L) TO (%L)', 'invoices_' || to_char(month, 'YYYY_MM'), month,
                 (month + interval '1 month')::date);
END $$;
SELECT make_partition('2026-01-01');
CREATE INDEX ON invoices (tenant_id, state);
CREATE VIEW open_invoices WITH (security_invoker = true) AS SELECT * FROM invoices WHERE state = 'open';
INSERT INTO schema_history VALUES (2, 'V2__tables.sql');
END
    'V3__changes.sql' => <<'END',
CREATE TABLE tags (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, label text);
ALTER TABLE tags ADD COLUMN organisation text;
ALTER TABLE tags RENAME COLUMN organisation TO tenant_id;
ALTER TABLE tags RENAME TO labels;
CREATE TABLE archive (LIKE customers INCLUDING ALL EXCLUDING IDENTITY);
SELECT tenant_id, count(*) AS customers INTO totals FROM customers GROUP BY 1;
DO $$ BEGIN FOR i IN 1..3 LOOP EXECUTE format('CREATE TABLE part_%s (tenant_id text, n int)', i); END LOOP; END $$;
CREATE TABLE doomed (tenant_id text);
DROP TABLE doomed;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := btrim(NEW.name); RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touched();
ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE pg_default;
COMMENT ON TABLE archive IS 'customers who left';
INSERT INTO schema_history VALUES (3, 'V3__changes.sql');
END
    'V4__outside_a_transaction.sql' => <<'END',
CREATE INDEX CONCURRENTLY customers_name ON customers (tenant_id, name);
SELECT make_partition('2026-02-01');
ALTER TABLE invoices DETACH PARTITION invoices_2026_01 CONCURRENTLY;
ALTER TABLE invoices ATTACH PARTITION invoices_2026_01 FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
ALTER TYPE state ADD VALUE 'void';
REINDEX TABLE CONCURRENTLY customers;
VACUUM customers;
INSERT INTO schema_history VALUES (4, 'V4__outside_a_transaction.sql');
END
    'V5__before_the_fault.sql' => "CREATE TABLE fine (tenant_id text);\nINSERT INTO schema_history VALUES (5, 'V5');\n",
    'V6__cannot_be_protected.sql' => "CREATE TABLE faulty (tenant_id numeric, v text);\n",
    'V7__takes_it_away.sql' => "CREATE TABLE also_fine (tenant_id text);\nALTER TABLE customers DISABLE ROW LEVEL SECURITY;\n");
append_to_file("$directory/$_", $script{$_}) for keys %script;

# Exit status and errors of psql as the migrator, stopping at the first error.
sub migrate
{
    my @arguments = map { /\.sql$/ ? ('-f', "$directory/$_") : $_ } @_;
    my $err = '';
    my $ok = IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-U', 'migrator', '-o', '/dev/null',
            '-d', $node->connstr('sample'), @arguments ], '2>', \$err);
    return $ok ? '' : $err || 'failed';
}
my $open = q{SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
  WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity
    AND EXISTS (SELECT FROM tenant_guard.relations r WHERE r.relation = c.oid AND r.status = 'protected'))};
my $tables = q{SELECT count(*) FROM tenant_guard.relations WHERE status = 'protected'};

is(migrate('-1', 'V1__history.sql', 'V2__tables.sql', 'V3__changes.sql'), '', 'three scripts in one transaction');
is($node->safe_psql('sample', "$open; $tables"), "\n9", 'all their tables with a tenant column are protected');
is(migrate('V4__outside_a_transaction.sql'), '', 'one that cannot run in a transaction');
is($node->safe_psql('sample', "$open; $tables"), "\n10", 'and its partitions are protected');

# At work: what two tenants write, each reads alone.
for my $who ('acme', 'globex')
{
    gives($node, "BEGIN; SET LOCAL tenant_guard.token = '" . mint($who) . "';"
          . "INSERT INTO shop.customers (name) VALUES (' $who '); INSERT INTO shop.invoices (customer_id, total, at) SELECT id, 1, d FROM shop.customers, unnest('{2026-01-05,2026-02-05}'::date[]) d;"
          . 'COMMIT', '', "$who writes");
}
my $as_acme = "BEGIN; SET LOCAL tenant_guard.token = '" . mint('acme') . "';";
gives($node, "$as_acme SELECT string_agg(name, ','), (SELECT count(*) FROM shop.open_invoices) FROM shop.customers", 'acme|2', 'and sees its rows only');
gives($node, "$as_acme SELECT count(*) FROM shop.invoices_2026_01", '1', 'also in a partition that came back');
refuses($node, 'SELECT name FROM shop.customers', '28000', 'nobody without a tenant');
refuses($node, "$as_acme SELECT script FROM shop.schema_history", '42501', "the tool's own table, which nobody declared, is refused");

# Scripts that fail.
like(migrate('-1', 'V5__before_the_fault.sql', 'V6__cannot_be_protected.sql'), qr/42804: .*cannot be a tenant column[^\0]*HINT/,
    'a table that cannot be protected fails its script, and says why');
like(migrate('-1', 'V5__before_the_fault.sql', 'V7__takes_it_away.sql'), qr/42501: .*customers" is protected[^\0]*unprotect/,
    'so does what would take the isolation away');
is($node->safe_psql('sample', q{SELECT count(*) FROM pg_class WHERE relname IN ('fine', 'faulty', 'also_fine'); SELECT max(rank) FROM shop.schema_history}), "0\n4",
    'and nothing of their transactions is left');
is(migrate('-1', 'V5__before_the_fault.sql'), '', 'without the fault it runs');
is($node->safe_psql('sample', "$open; $tables"), "\n11", 'and its table is protected');

# The script of an extension: its tables are left as it makes them, refused to tenants, until somebody protects them.
my ($shared) = run_command([ $ENV{PG_CONFIG}, '--sharedir' ]);
my @files = map { "$shared/extension/migration_scripts$_" } '.control', '--1.0.sql';
append_to_file($files[0], "default_version = '1.0'\n");
append_to_file($files[1], "CREATE TABLE shop.of_extension (tenant_id text);\nINSERT INTO shop.of_extension VALUES ('canary');\nGRANT SELECT ON shop.of_extension TO app;\n");
my ($out, $err) = run_sql($node, 'CREATE EXTENSION migration_scripts', user => '');
unlink @files;
is($err, '', 'an extension makes a table with a tenant column');
refuses($node, "$as_acme SELECT tenant_id FROM shop.of_extension", '42501', 'which is refused');
$node->safe_psql('sample', q{SELECT tenant_guard.protect('shop.of_extension')});
gives($node, "$as_acme SELECT count(*) FROM shop.of_extension", '0', 'until an administrator protects it');
done_testing();
