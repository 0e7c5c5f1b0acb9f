# Declarations change while clients are connected and their plans are cached: the next execution follows the new
# declaration, in the same session, in the same transaction.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $node = start_sample('main');
$node->safe_psql('sample', <<'END');
CREATE FUNCTION read_notes() RETURNS SETOF text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN QUERY SELECT note FROM notes ORDER BY note; END';
SET tenant_guard.auto_protect = off;
CREATE TABLE notes (tenant_id uuid NOT NULL, note text);
INSERT INTO notes SELECT id, 'note of ' || slug FROM tenants;
GRANT ALL ON notes TO app;
END

my $id = $tenant{acme}{id};
my $begin = 'BEGIN;' . authenticate(mint('acme'));
my $read = 'SELECT count(*), min(read_notes) FROM read_notes();';
my $app = session($node);
my $admin = session($node, user => '');
sub next_transaction { ask($app, 'ROLLBACK;'); return ask($app, $begin); }

next_transaction();
refuses($app, $read, '42501', 'nobody declared it yet', message => qr/not protected/);
ask($admin, "SELECT tenant_guard.declare_shared('notes', 'to begin with');");
next_transaction();
gives($app, $read, '60|note of acme', 'declared shared: all rows') for 1 .. 6;
ask($admin, "SELECT tenant_guard.undeclare_shared('notes');");
refuses($app, $read, '42501', 'taken back: the cached plan is refused within the transaction');

# protect() needs the table for itself, and waits for who reads it.
ask($admin, "SELECT tenant_guard.declare_shared('notes', 'again');");
next_transaction();
gives($app, $read, '60|note of acme', 'shared again');
ask($admin, "SELECT tenant_guard.undeclare_shared('notes'); SET lock_timeout = '200ms';");
gives($admin, "SELECT count(*) FROM tenant_guard.protect('notes');", qr/55P03/, 'protect() waits for an open reader');
refuses($app, $read, '42501', 'who meanwhile is refused');
ask($app, 'ROLLBACK;');
$admin->query_until(qr/started/, "SET lock_timeout = 0;\n\\echo started\nSELECT count(*) > 0 FROM tenant_guard.protect('notes');\n");
next_transaction();
gives($admin, 'SELECT status FROM tenant_guard.protection WHERE relation = $$notes$$::regclass;', qr/protected/, 'protect() is through');
gives($app, $read, '1|note of acme', 'protected: the cached plan reads the tenant\'s rows') for 1 .. 2;
ask($app, 'ROLLBACK;');
gives($app, 'BEGIN;' . authenticate(mint('globex')) . $read, "$tenant{globex}{id}\n1|note of globex", 'and the next tenant its own');
refuses($app, "ROLLBACK;\n$read", '28000', 'and nobody without a tenant');

# In one transaction whose snapshot is older than the change.
ask($app, 'ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ;' . authenticate(mint('acme')) . 'SELECT 1;');
ask($admin, "SELECT tenant_guard.unprotect('notes');");
refuses($app, $read, '42501', 'unprotected: refused under an old snapshot as well', message => qr/not protected/);

# What a superuser can do past the functions.
ask($app, 'ROLLBACK;');
ask($admin, "SELECT tenant_guard.protect('notes');");
next_transaction();
gives($app, $read, '1|note of acme', 'protected again');
ask($app, 'COMMIT;');
ask($admin, q{UPDATE pg_class SET relrowsecurity = false WHERE oid = 'notes'::regclass;});
ask($admin, 'ANALYZE notes; COMMENT ON TABLE notes IS $$a change that others hear of$$; ALTER TABLE notes ADD COLUMN extra int;');
next_transaction();
refuses($app, $read, '42501', 'row security switched off behind our back: refused', message => qr/switched off/);

# The role is guarded while it is connected.
$node->safe_psql('sample', 'CREATE ROLE reader LOGIN; GRANT SELECT ON notes, customer_names TO reader;'
      . "SELECT tenant_guard.guard_role('reader', 'off')");
my $reader = session($node, user => 'reader');
gives($reader, 'SELECT count(*) > 0 FROM customer_names;', 't', 'a role with mode off reads');
ask($admin, "SELECT tenant_guard.guard_role('reader');");
refuses($reader, 'SELECT count(*) FROM customer_names;', '42501', 'and is refused from guard_role() on, in its open session');
$_->quit for $app, $admin, $reader;
done_testing();
