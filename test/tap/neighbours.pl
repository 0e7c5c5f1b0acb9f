# Other libraries hook the same places. Whichever of them is preloaded first, the guard refuses what it refuses, they go
# on doing their work, an error of theirs leaves nothing behind, and what they write holds no token.
use strict;
use warnings FATAL => 'all';
use Test::More;
use PostgreSQL::Test::Utils qw(slurp_file);
use TenantGuard;

# auto_explain, pg_stat_statements: contrib. The others are packages of their own.
my @neighbours = qw(pg_stat_statements auto_explain pgaudit set_user pg_qualstats pg_wait_sampling);
my $conf = <<'END';
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
pgaudit.log = 'all'
pgaudit.log_catalog = off
pgaudit.log_parameter = on
pgaudit.log_relation = on
pg_stat_statements.track = all
pg_qualstats.sample_rate = 1
compute_query_id = on
END

my $acme = mint('acme');
my $globex = mint('globex');
my $mine = 'SELECT DISTINCT tenant_id FROM customers';

sub check_order
{
    my ($order, $preload) = @_;
    my $node = start_sample("node_$order", preload => $preload, conf => $conf);
    my @extensions = grep { $_ ne 'auto_explain' } @neighbours;
    $node->safe_psql('sample', join ' ', map { "CREATE EXTENSION $_;" } @extensions, 'hypopg');
    $node->safe_psql('sample', 'GRANT EXECUTE ON FUNCTION set_user(text), pg_stat_statements_reset TO app');

    my $session = session($node);
    my $begin = "BEGIN;\n" . authenticate($acme);
    # In a transaction of its own that has authenticated.
    my $is_refused = sub {
        my ($sql, $name) = @_;
        local $Test::Builder::Level = $Test::Builder::Level + 1;
        ask($session, $begin);
        refuses($session, "$sql;", '42501', "$order: $name");
        ask($session, 'ROLLBACK;');
    };
    gives($session, "$begin $mine; COMMIT;", "$tenant{acme}{id}\n$tenant{acme}{id}", "$order: a tenant reads its rows");
    refuses($session, "$mine;", '28000', "$order: nobody does without a token");
    $is_refused->('SELECT full_name FROM customer_names', 'the forgotten table is refused');
    # A refusal in nested statements: pgaudit keeps a stack of them, and complains if one stays on it.
    $is_refused->(q{DO $$ BEGIN EXECUTE 'SELECT full_name FROM customer_names'; END $$}, 'also in nested statements');
    gives($session, "BEGIN;\n" . authenticate($globex) . "$mine; COMMIT;", "$tenant{globex}{id}\n$tenant{globex}{id}",
        "$order: and the next tenant reads its own");
    # Called in a function, and the error caught there: the neighbours' hooks unwind with ours.
    gives($session, "$begin DO \$\$ BEGIN PERFORM full_name FROM customer_names; EXCEPTION WHEN insufficient_privilege THEN NULL; END \$\$;"
          . "$mine; COMMIT;", qr/^(?:$tenant{acme}{id}\n?){2}$/, "$order: a caught refusal leaves no state");

    # An error in a neighbour, and in the executor between its hooks and ours.
    ask($session, "$begin SAVEPOINT s;");
    like(ask($session, q{SELECT set_user('nobody_by_this_name');}), qr/ERROR/, "$order: set_user refuses");
    gives($session, "ROLLBACK TO s; $mine;", $tenant{acme}{id}, "$order: and the tenant is as before");
    like(ask($session, 'SELECT 1 / (length(notes) - length(notes)) FROM customers;'), qr/22012/, "$order: an error in the executor");
    gives($session, "ROLLBACK TO s; $mine; COMMIT;", $tenant{acme}{id}, "$order: leaves it as well");
    refuses($session, "$mine;", '28000', "$order: and it ends with the transaction");

    # A plan that was made while the relation was shared, under all the hooks.
    $node->safe_psql('sample', q{SELECT tenant_guard.declare_shared('customer_names', 'for a moment')});
    my $cached = session($node);
    ask($cached, 'SET plan_cache_mode = force_generic_plan;');
    my $body = 'DO $$ BEGIN PERFORM count(*) FROM customer_names; END $$;';
    gives($cached, $body, '', "$order: shared, it can be read");
    $node->safe_psql('sample', q{SELECT tenant_guard.undeclare_shared('customer_names')});
    refuses($cached, $body, '42501', "$order: undeclared, it is refused again");
    $cached->quit;

    # What they show of others, and what would stay on the session.
    $is_refused->($_, $_)
      for 'SELECT query FROM pg_stat_statements', 'SELECT pg_stat_statements_reset(0, 0, 0)', 'SELECT * FROM pg_qualstats()',
      'SELECT pg_qualstats_example_queries()', 'SELECT * FROM pg_wait_sampling_profile',
      q{SELECT hypopg_create_index('CREATE INDEX ON customers (notes)')};
    # Who may become another role by set_user is refused as that role.
    $node->safe_psql('postgres', 'CREATE ROLE reader; GRANT reader TO app');
    $node->safe_psql('sample', 'GRANT SELECT ON customers, customer_names TO reader');
    ask($session, "SELECT set_user('reader');");
    refuses($session, "$mine;", '42501', "$order: another role by set_user is no way out", message => qr/role/);
    $session->quit;

    # They did their work.
    my ($statements) = $node->safe_psql('sample', q{SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%DISTINCT tenant_id FROM customers%'});
    cmp_ok($statements, '>', 0, "$order: pg_stat_statements counts");
    cmp_ok($node->safe_psql('sample', 'SELECT count(*) FROM pg_qualstats()'), '>', 0, "$order: pg_qualstats looks at conditions");
    my $log = slurp_file($node->logfile);
    like($log, qr/AUDIT: SESSION,\d+,\d+,READ,SELECT,TABLE,public\.customers/, "$order: pgaudit logs");
    like($log, qr/duration: [\d.]+ ms  plan:\s+Query Text: /, "$order: auto_explain logs");
    my ($head, $claims, $signature) = split /\./, $acme;
    ok(index($log, $claims) < 0 && index($log, $signature) < 0, "$order: no token is in what they log");
    $node->stop;
    return;
}

check_order('first', join ',', 'tenant_guard', @neighbours);
check_order('last', join ',', @neighbours, 'tenant_guard');
done_testing();
