# Tokens of a second library, jose of npm, whose JSON, base64url and ECDSA differ from PyJWT's: what it signs is
# accepted, for each algorithm, and what was changed afterwards is not.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Utils;
use Test::More;
use TenantGuard;

my $node = start_sample('main');
my $keys = 'test/tokens/keys';
my %key = (
    RS256 => [ 'rs', 'add_pem' ],
    ES256 => [ 'es', 'add_jwk' ],
    EdDSA => [ 'ed', 'add_pem' ]);
for my $alg (sort keys %key)
{
    my ($kid, $function) = @{ $key{$alg} };
    $node->safe_psql('sample', $function eq 'add_jwk'
        ? "SELECT tenant_guard.add_jwk('" . slurp_file("$keys/$kid.jwk.json") . "')"
        : "SELECT tenant_guard.add_pem('$kid', '$alg', '" . slurp_file("$keys/$kid.pub.pem") . "')");
}

for my $alg ('HS256', sort keys %key)
{
    my $token = mint_with_jose($alg, $tenant{acme}{id});
    my $foreign = mint_with_jose($alg, $tenant{globex}{id});
    gives($node, "BEGIN;\n" . authenticate($token)
          . 'SELECT count(*) > 0, count(DISTINCT tenant_id) FROM customers; COMMIT;',
        "$tenant{acme}{id}\nt|1", "$alg: a token of jose shows its tenant's rows");

    # The payload of the other tenant's token under this one's signature.
    my ($header, undef, $signature) = split /\./, $token;
    my (undef, $payload) = split /\./, $foreign;
    refuses($node, "BEGIN;\n" . authenticate("$header.$payload.$signature"), '28T08',
        "$alg: another tenant's payload under its signature is refused");
}
done_testing();

sub mint_with_jose
{
    my ($alg, $id) = @_;
    my $token = qx(node test/tokens/mint.mjs --alg $alg --tenant $id --ttl=3600);
    die "mint.mjs failed: $?" if $? != 0;
    chomp $token;
    return $token;
}
