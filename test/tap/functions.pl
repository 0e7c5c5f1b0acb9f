# Every function of this server, and of the extensions that come with it, that reads or changes something beside its
# arguments was looked at: it is refused by a rule, or in test/functions/reviewed. A function that a new major brings is
# named here, and fails.
use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use TenantGuard;

my $list = slurp_file(abs_path(dirname(__FILE__)) . '/../functions/reviewed');
my %is_reviewed = map { $_ => 1 } map { split } grep { !/^#/ } split /\n/, $list;

my $node = new_cluster('main');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION tenant_guard');

# What cannot be called from SQL, and what neither reads nor changes anything, is left out.
my $callable = q{(p.provolatile <> 'i' OR p.proname ~ '^(pg|lo|binary|txid)_')
    AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[])
    AND p.prorettype NOT IN (SELECT t.oid FROM pg_type t WHERE t.typtype = 'p' AND (t.typname ~ '_handler$' OR t.typname IN ('internal', 'trigger', 'event_trigger')))};

sub unclassified
{
    my ($where) = @_;
    return grep { !$is_reviewed{$_} } split /\n/, $node->safe_psql('postgres',
        "SELECT DISTINCT p.proname FROM pg_proc p WHERE $callable AND $where AND tenant_guard.why_refused(p.oid) IS NULL ORDER BY 1");
}

my $in_server = q{p.pronamespace = 'pg_catalog'::regnamespace};
is(join(' ', unclassified($in_server)), '', 'each function of the server is refused or reviewed');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM pg_proc p WHERE $callable AND $in_server"), '>', 600, 'and there were some');

# The extensions of PostgreSQL itself, as far as Debian builds them. Of others nothing is known here.
my @contrib = qw(adminpack amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw
  fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime old_snapshot pageinspect pg_buffercache
  pg_freespacemap pg_logicalinspect pg_overexplain pg_prewarm pg_stat_statements pg_surgery pg_trgm pg_visibility pg_walinspect
  pgcrypto pgrowlocks pgstattuple postgres_fdw refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent
  uuid-ossp xml2);
my %is_there = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT name FROM pg_available_extensions');
my @made = grep { $is_there{$_} } @contrib;
$node->safe_psql('postgres', join '', map { qq{CREATE EXTENSION "$_" CASCADE;} } @made);
cmp_ok(scalar(@made), '>', 40, 'the extensions are there');
my $in_extensions = q{p.prolang = (SELECT l.oid FROM pg_language l WHERE l.lanname = 'c')
    AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'tenant_guard'::regnamespace)};
is(join(' ', unclassified($in_extensions)), '', 'each function in C of the extensions is refused or reviewed');

is(join(' ', grep { $is_reviewed{$_} } split /\n/, $node->safe_psql('postgres',
        "SELECT DISTINCT p.proname FROM pg_proc p WHERE ($in_server OR $in_extensions) AND tenant_guard.why_refused(p.oid) IS NOT NULL")),
    '', 'nothing that is refused is on the list of what is not');

# What why_refused() says is what happens; and not what a client's own function of the name is about.
$node->safe_psql('postgres', <<'END');
CREATE ROLE app LOGIN;
CREATE FUNCTION public.pg_read_file() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION dblink(text) TO app;
SELECT tenant_guard.guard_role('app');
END
for my $call ("pg_stat_get_activity(NULL)", "dblink('SELECT 1')", 'set_limit(0.5)', 'isn_weak(true)', "pg_relation_size('pg_class')", "lo_get(1)")
{
    refuses($node, "SELECT $call", '42501', "$call is refused", message => qr/is not allowed in a guarded transaction/, db => 'postgres');
}
gives($node, 'SELECT public.pg_read_file(), show_limit() > 0', '1|t', 'others are not', db => 'postgres');
done_testing();
