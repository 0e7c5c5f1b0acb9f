# The keys of the sample's schema after the remedies of audit(), each run once, as given and in order: no finding is left,
# whether the lookup table that has no tenant column was forgotten or is protected through its foreign key.
use strict;
use warnings FATAL => 'all';
use Test::More;
use TenantGuard;

my $node = start_sample('main');
load_sample($node, 'derived');
$node->safe_psql('derived', "SELECT tenant_guard.protect_via('public.customer_names', 'public.customers')");

my $of_keys = "check_id BETWEEN 'TG601' AND 'TG607'";
for my $db ('sample', 'derived')
{
    is($node->safe_psql($db, "SELECT string_agg(check_id || ' ' || object, ', ') FROM tenant_guard.audit() WHERE $of_keys"),
        'TG602 foreign key customer_names_customer_id_fkey on public.customer_names, '
          . 'TG603 constraint customers_id_key on public.customers', "$db: the keys that span tenants, and no other");
    # One message for each remedy, and the next when it has ended: what \gexec sends.
    my ($out, $err);
    is($node->psql($db, "SELECT remedy FROM tenant_guard.audit() WHERE $of_keys \\gexec\n", on_error_stop => 1, stdout => \$out, stderr => \$err),
        0, "$db: the remedies run") or diag $err;
    is($node->safe_psql($db, "SELECT * FROM tenant_guard.audit() WHERE $of_keys"), '', "$db: no such finding is left");
    is($node->safe_psql($db, "SELECT status, tenant_column FROM tenant_guard.protection WHERE relation = 'public.customer_names'::regclass"),
        'protected|tenant_id', "$db: the lookup table has a tenant column");
    is($node->safe_psql($db, 'SELECT count(*) FROM customer_names n JOIN customers c ON c.id = n.customer_id WHERE n.tenant_id IS DISTINCT FROM c.tenant_id'),
        '0', "$db: and each row the tenant of its customer");
    gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT count(*) > 0, count(*) = (SELECT count(*) FROM customers) FROM customer_names',
        "$tenant{acme}{id}\nt|t", "$db: a tenant sees the names of its own customers", db => $db);
}

# All other findings that have a remedy, once: nothing but what takes a decision is left.
my ($out, $err);
is($node->psql('sample', "SELECT remedy FROM tenant_guard.audit() WHERE remedy IS NOT NULL \\gexec\n", on_error_stop => 1, stdout => \$out, stderr => \$err),
    0, 'every remedy of the sample runs') or diag $err;
is($node->safe_psql('sample', 'SELECT check_id, object FROM tenant_guard.audit() WHERE remedy IS NOT NULL'), '', 'and none is left');
gives($node, "BEGIN;\n" . authenticate(mint('acme')) . 'SELECT count(*) > 0 FROM customers', "$tenant{acme}{id}\nt", 'the application works');

$node->stop;
done_testing();
