// The whole question, attack by attack. Each refusal stands beside the ordinary token that is
// accepted.
#include "jose/token.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mint.h"

namespace tg::jose {
namespace {

using test::encode;
using test::good_claims;
using test::header_of;
using test::mint;
using test::now_us;
using test::Outcome;
using test::SigningKey;
using test::verify;

const SigningKey& hs256() {
    return SigningKey::of("HS256");
}

TEST(Token, AnOrdinaryOneIsAcceptedByEveryAlgorithm) {
    for (const Algorithm& row : algorithms) {
        const SigningKey& key = SigningKey::of(row.stored_name);
        for (const char* kid : {"k1", ""}) {
            const Outcome out = verify(mint(key, header_of(key, kid), good_claims), key);
            ASSERT_EQ(out.verdict, Verdict::ok) << row.stored_name;
            EXPECT_EQ(out.tenant, "acct_4d1a");
            EXPECT_EQ(out.subject, "user_8c2f");
            EXPECT_EQ(out.payload, good_claims);
            EXPECT_EQ(out.token.algorithm, &row);
            EXPECT_EQ(out.token.rules, &default_rules);
            EXPECT_TRUE(out.token.has_exp && out.token.has_iat);
            EXPECT_EQ(out.token.expires_us, 1'717'103'600'000'000);
            EXPECT_EQ(out.token.issued_us, 1'717'100'000'000'000);
        }
    }
}

TEST(Token, EveryFlippedBitIsRefused) {
    for (const Algorithm& row : algorithms) {
        const SigningKey& key = SigningKey::of(row.stored_name);
        const std::string good = mint(key, header_of(key), good_claims);
        ASSERT_EQ(verify(good, key).verdict, Verdict::ok);
        for (std::size_t bit = 0; bit < good.size() * 8; bit++) {
            std::string bad = good;
            bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
            ASSERT_NE(verify(bad, key).verdict, Verdict::ok) << row.stored_name << " bit " << bit;
        }
    }
}

// Revocation lists, caches and logs go by what a token says; none may exist in two spellings.
TEST(Token, NoOtherSpellingOfAGoodOneIsAccepted) {
    const SigningKey& key = hs256();
    const std::string good = mint(key, header_of(key), good_claims);
    ASSERT_EQ(verify(good, key).verdict, Verdict::ok);
    for (std::size_t at = 0; at <= good.size(); at++) {
        for (int byte = 0; byte < 256; byte++) {
            const char c = static_cast<char>(byte);
            std::string inserted = good;
            inserted.insert(at, 1, c);
            ASSERT_NE(verify(inserted, key).verdict, Verdict::ok) << byte << " before " << at;
            if (at == good.size() || good[at] == c) continue;
            std::string replaced = good;
            replaced[at] = c;
            ASSERT_NE(verify(replaced, key).verdict, Verdict::ok) << byte << " at " << at;
        }
        if (at == good.size()) continue;
        std::string without = good;
        without.erase(at, 1);
        ASSERT_NE(verify(without, key).verdict, Verdict::ok) << "without " << at;
    }
}

TEST(Token, OtherShapesAreRefused) {
    const std::string good = mint(hs256(), header_of(hs256()), good_claims);
    const std::size_t first = good.find('.'), second = good.rfind('.');
    const std::string header = good.substr(0, first),
                      payload = good.substr(first + 1, second - first - 1),
                      signature = good.substr(second + 1);
    const struct {
        const char* why;
        std::string jwt;
        Verdict verdict;
    } cases[] = {
        {"the control", good, Verdict::ok},
        {"nothing", "", Verdict::token_missing},
        {"one byte", "x", Verdict::malformed},
        {"dots alone", "..", Verdict::malformed},
        {"one dot", header + "." + payload, Verdict::malformed},
        {"three dots", good + ".", Verdict::malformed},
        {"five parts, as if encrypted", good + ".a.b", Verdict::malformed},
        {"no header", "." + payload + "." + signature, Verdict::malformed},
        {"no payload", header + ".." + signature, Verdict::signature_mismatch},
        {"no signature", header + "." + payload + ".", Verdict::malformed},
        {"a Bearer prefix", "Bearer " + good, Verdict::malformed},
        {"a space before", " " + good, Verdict::malformed},
        {"a line break behind", good + "\n", Verdict::malformed},
        {"NUL behind", good + '\0', Verdict::malformed},
        {"padding", good + "=", Verdict::malformed},
        {"an extra character", good + "A", Verdict::signature_mismatch},
        {"the JSON itself", R"({"tenant_id":"acct_4d1a"})", Verdict::malformed},
        {"a header that is no JSON", encode("hello") + "." + payload + "." + signature,
         Verdict::malformed},
        {"a header that is an array", encode("[]") + "." + payload + "." + signature,
         Verdict::malformed},
        {"a header that is null", encode("null") + "." + payload + "." + signature,
         Verdict::malformed},
        {"too large", std::string(16385, 'a'), Verdict::token_too_large},
    };
    // An extra character may also leave bits over; both are refusals.
    for (const auto& [why, jwt, verdict] : cases) {
        const Verdict got = verify(jwt, hs256()).verdict;
        if (std::string_view(why) == "an extra character") {
            EXPECT_TRUE(got == Verdict::malformed || got == verdict) << why;
        } else {
            EXPECT_EQ(got, verdict) << why;
        }
    }
}

TEST(Token, HeadersThatAskForMoreAreRefused) {
    const struct {
        const char* why;
        std::string header;
        Verdict verdict;
    } cases[] = {
        {"the control", R"({"alg":"HS256","kid":"k1"})", Verdict::ok},
        {"the least", R"({"alg":"HS256"})", Verdict::ok},
        {"white space", " { \"alg\"\t:\r\n\"HS256\" , \"kid\" : \"k1\" } ", Verdict::ok},
        {"members that mean nothing", R"({"alg":"HS256","kid":"k1","x5t":"AA","foo":[1]})",
         Verdict::ok},
        {"escapes", R"({"\u0061lg":"HS25\u0036","kid":"\u006b1"})", Verdict::ok},
        {"typ at+jwt", R"({"alg":"HS256","typ":"at+jwt"})", Verdict::ok},
        {"typ in capitals, in full", R"({"alg":"HS256","typ":"Application/AT+JWT"})", Verdict::ok},
        {"typ jwt", R"({"alg":"HS256","typ":"jwt"})", Verdict::ok},
        {"a logout token", R"({"alg":"HS256","typ":"logout+jwt"})", Verdict::header_rejected},
        {"a DPoP proof", R"({"alg":"HS256","typ":"dpop+jwt"})", Verdict::header_rejected},
        {"an empty typ", R"({"alg":"HS256","typ":""})", Verdict::header_rejected},
        {"typ of application alone", R"({"alg":"HS256","typ":"application/"})",
         Verdict::header_rejected},
        {"a typ that is no string", R"({"alg":"HS256","typ":["JWT"]})", Verdict::header_rejected},
        {"a nested token", R"({"alg":"HS256","cty":"JWT"})", Verdict::header_rejected},
        {"a nested token in small letters", R"({"alg":"HS256","cty":"application/jwt"})",
         Verdict::header_rejected},
        {"another content type", R"({"alg":"HS256","cty":"json"})", Verdict::ok},
        {"brings its own key", R"({"alg":"HS256","kid":"k1","jwk":{}})", Verdict::header_rejected},
        {"brings its key by URL", R"({"alg":"HS256","jku":"https://evil.example/k"})",
         Verdict::header_rejected},
        {"brings a certificate", R"({"alg":"HS256","x5c":[]})", Verdict::header_rejected},
        {"brings one by URL", R"({"alg":"HS256","x5u":""})", Verdict::header_rejected},
        {"a critical extension", R"({"alg":"HS256","crit":["exp"],"exp":1})",
         Verdict::header_rejected},
        {"an empty crit", R"({"alg":"HS256","crit":[]})", Verdict::header_rejected},
        {"an unencoded payload", R"({"alg":"HS256","b64":false})", Verdict::header_rejected},
        {"b64 that changes nothing", R"({"alg":"HS256","b64":true})", Verdict::header_rejected},
        {"compression", R"({"alg":"HS256","zip":"DEF"})", Verdict::header_rejected},
        {"encryption", R"({"alg":"HS256","enc":"A128GCM"})", Verdict::header_rejected},
        {"a banned member that is null", R"({"alg":"HS256","jwk":null})", Verdict::header_rejected},
        {"a banned member in escapes", R"({"alg":"HS256","\u006awk":{}})",
         Verdict::header_rejected},
        {"alg twice", R"({"alg":"HS256","alg":"none"})", Verdict::header_rejected},
        {"alg twice, once escaped", R"({"alg":"HS256","al\u0067":"HS256"})",
         Verdict::header_rejected},
        {"kid twice", R"({"alg":"HS256","kid":"k2","kid":"k1"})", Verdict::header_rejected},
        {"no alg", R"({"kid":"k1"})", Verdict::header_rejected},
        {"an alg that is no string", R"({"alg":256})", Verdict::header_rejected},
        {"an empty alg", R"({"alg":""})", Verdict::header_rejected},
        {"a kid that is no string", R"({"alg":"HS256","kid":1})", Verdict::header_rejected},
        {"a kid that is null", R"({"alg":"HS256","kid":null})", Verdict::header_rejected},
        {"none", R"({"alg":"none","kid":"k1"})", Verdict::algorithm_rejected},
        {"None", R"({"alg":"None","kid":"k1"})", Verdict::algorithm_rejected},
        {"hs256", R"({"alg":"hs256","kid":"k1"})", Verdict::algorithm_rejected},
        {"HS256 and a space", R"({"alg":"HS256 ","kid":"k1"})", Verdict::algorithm_rejected},
        {"ES256K", R"({"alg":"ES256K","kid":"k1"})", Verdict::algorithm_rejected},
        {"another hash", R"({"alg":"HS384","kid":"k1"})", Verdict::algorithm_rejected},
        {"another type", R"({"alg":"RS256","kid":"k1"})", Verdict::algorithm_rejected},
        {"another type without kid", R"({"alg":"RS256"})", Verdict::algorithm_rejected},
        {"the stored name", R"({"alg":"EdDSA-Ed25519","kid":"k1"})", Verdict::algorithm_rejected},
        {"an unknown kid", R"({"alg":"HS256","kid":"k2"})", Verdict::unknown_key},
        {"an empty kid", R"({"alg":"HS256","kid":""})", Verdict::unknown_key},
        {"a path for a kid", R"({"alg":"HS256","kid":"../../dev/null"})", Verdict::unknown_key},
        {"a quote in the kid", R"({"alg":"HS256","kid":"k1' OR '1'='1"})", Verdict::unknown_key},
    };
    for (const auto& [why, header, verdict] : cases)
        EXPECT_EQ(verify(mint(hs256(), header, good_claims), hs256()).verdict, verdict) << why;
}

TEST(Token, AnHmacKeyedWithAPublicKeyIsRefused) {
    // The classic confusion: the attacker knows the public key and signs HS256 with its bytes.
    const SigningKey& rsa = SigningKey::of("RS256");
    for (const std::string& known : {rsa.material(), rsa.public_pem()}) {
        VerificationKey ignored{};
        ASSERT_EQ(load_key("HS256", known, ignored), KeyVerdict::ok);
        release(ignored);
    }
    const std::string forged = mint(hs256(), R"({"alg":"HS256","kid":"k1"})", good_claims);
    EXPECT_EQ(verify(forged, rsa).verdict, Verdict::algorithm_rejected);
    const std::string relabelled = mint(hs256(), R"({"alg":"RS256","kid":"k1"})", good_claims);
    EXPECT_EQ(verify(relabelled, rsa).verdict, Verdict::signature_mismatch);
}

TEST(Token, OfARefusedTokenOnlyHeaderAndKidAreTold) {
    std::string bad = mint(hs256(), header_of(hs256()), good_claims);
    bad[bad.size() - 5] = bad[bad.size() - 5] == 'A' ? 'B' : 'A';
    const Outcome forged = verify(bad, hs256());
    EXPECT_EQ(forged.verdict, Verdict::signature_mismatch);
    EXPECT_EQ(forged.kid, "k1");
    EXPECT_EQ(forged.header, header_of(hs256()));
    EXPECT_EQ(forged.payload + forged.tenant + forged.subject + forged.jti, "");
    EXPECT_EQ(forged.token.algorithm, nullptr);
    EXPECT_EQ(forged.token.rules, nullptr);
    EXPECT_EQ(forged.token.expires_us, std::numeric_limits<std::int64_t>::max());

    const Outcome banned =
        verify(mint(hs256(), R"({"alg":"HS256","jwk":{},"kid":"seen"})", good_claims), hs256());
    EXPECT_EQ(banned.kid, "seen");
}

TEST(Token, ThePayloadIsNotReadBeforeTheSignature) {
    // Neither is valid JSON: only the one that is signed may be found out.
    EXPECT_EQ(verify(mint(hs256(), header_of(hs256()), "{\"a\":1,\"a\":2"), hs256()).verdict,
              Verdict::claims_malformed);
    EXPECT_EQ(verify(mint(SigningKey::of("HS384"), header_of(hs256()), "{\"a\":1,\"a\":2"), hs256())
                  .verdict,
              Verdict::signature_mismatch);
}

TEST(Token, PayloadsThatReadersDisagreeAboutAreRefused) {
    const struct {
        const char* why;
        std::string payload;
    } cases[] = {
        {"an array", R"([{"tenant_id":"a","exp":1717103600}])"},
        {"text", "hello"},
        {"nothing", ""},
        {"two documents", R"({"tenant_id":"a","exp":1717103600}{})"},
        {"two tenants", R"({"tenant_id":"a","exp":1717103600,"tenant_id":"b"})"},
        {"two tenants, once escaped", R"({"tenant_id":"a","exp":1717103600,"tenant\u005Fid":"b"})"},
        {"two names far inside", R"({"tenant_id":"a","exp":1717103600,"x":{"y":[{"z":1,"z":1}]}})"},
        {"NUL in the tenant", R"({"tenant_id":"a\u0000b","exp":1717103600})"},
        {"invalid UTF-8", "{\"tenant_id\":\"a\xff\",\"exp\":1717103600}"},
        {"a number for a disk", R"({"tenant_id":"a","exp":1717103600,"x":1e999999})"},
        {"NUL behind", std::string(good_claims) + '\0'},
    };
    for (const auto& [why, payload] : cases)
        EXPECT_EQ(verify(mint(hs256(), header_of(hs256()), payload), hs256()).verdict,
                  Verdict::claims_malformed)
            << why;
    EXPECT_EQ(
        verify(mint(hs256(), header_of(hs256()), "\n" + std::string(good_claims) + " "), hs256())
            .verdict,
        Verdict::ok);
}

// A ring of several keys, and rules for issuers.
struct Setting {
    std::vector<RingKey> ring;
    std::vector<IssuerRules> issuers;

    Verdict verdict_of(std::string_view jwt, Outcome* out = nullptr) const {
        Outcome outcome = verify(jwt, {.ring = ring,
                                       .issuers = issuers,
                                       .now_us = now_us,
                                       .require_exp = true,
                                       .max_size = 16384});
        if (out != nullptr) *out = outcome;
        return outcome.verdict;
    }
};

IssuerRules rules_of(std::string_view issuer) {
    IssuerRules rules = default_rules;
    rules.issuer = issuer;
    return rules;
}

std::string claims_of(std::string_view issuer) {
    return R"({"iss":")" + std::string(issuer) + R"(","tenant_id":"acme","exp":1717103600})";
}

TEST(Token, IsOfTheTypeThatItsIssuerSays) {
    IssuerRules any = default_rules, access = default_rules, jwt = default_rules;
    access.token_type = "at+jwt";
    jwt.token_type = "JWT";
    const struct {
        const char* typ;  // the member with its comma
        Verdict of_any, of_access, of_jwt;
    } cases[] = {
        {R"(,"typ":"at+jwt")", Verdict::ok, Verdict::ok, Verdict::type_mismatch},
        {R"(,"typ":"application/AT+JWT")", Verdict::ok, Verdict::ok, Verdict::type_mismatch},
        {R"(,"typ":"at\u002bjwt")", Verdict::ok, Verdict::ok, Verdict::type_mismatch},
        {R"(,"typ":"JWT")", Verdict::ok, Verdict::type_mismatch, Verdict::ok},
        {R"(,"typ":"application/jwt")", Verdict::ok, Verdict::type_mismatch, Verdict::ok},
        {"", Verdict::ok, Verdict::type_mismatch, Verdict::type_mismatch},
        {R"(,"typ":"logout+jwt")", Verdict::header_rejected, Verdict::header_rejected,
         Verdict::header_rejected},
        {R"(,"typ":"JWT","typ":"at+jwt")", Verdict::header_rejected, Verdict::header_rejected,
         Verdict::header_rejected},
    };
    for (const auto& [typ, of_any, of_access, of_jwt] : cases) {
        const std::string header = R"({"alg":"HS256","kid":"k1")" + std::string(typ) + "}";
        const std::string token = mint(hs256(), header, good_claims);
        const auto verdict_under = [&token](const IssuerRules& rules) {
            return Setting{{{"k1", &rules, false, hs256().verifier()}}, {}}.verdict_of(token);
        };
        EXPECT_EQ(verdict_under(any), of_any) << typ;
        EXPECT_EQ(verdict_under(access), of_access) << typ;
        EXPECT_EQ(verdict_under(jwt), of_jwt) << typ;
    }
}

TEST(Ring, ARetiredKeyAndAnEmptyRingAreToldApart) {
    const std::string jwt = mint(hs256(), header_of(hs256()), good_claims);
    const std::string no_kid = mint(hs256(), header_of(hs256(), ""), good_claims);
    const VerificationKey key = hs256().verifier();
    const RingKey active{"k1", &default_rules, false, key},
        retired{"k1", &default_rules, true, key}, other{"k2", &default_rules, false, key};
    EXPECT_EQ((Setting{{active}, {}}.verdict_of(jwt)), Verdict::ok);
    EXPECT_EQ((Setting{{}, {}}.verdict_of(jwt)), Verdict::unknown_key);
    EXPECT_EQ((Setting{{}, {}}.verdict_of(no_kid)), Verdict::unknown_key);
    EXPECT_EQ((Setting{{retired}, {}}.verdict_of(jwt)), Verdict::retired_key);
    EXPECT_EQ((Setting{{retired}, {}}.verdict_of(no_kid)), Verdict::retired_key);
    EXPECT_EQ((Setting{{retired, other}, {}}.verdict_of(jwt)), Verdict::retired_key);
    EXPECT_EQ((Setting{{retired, other}, {}}.verdict_of(no_kid)), Verdict::ok);
    EXPECT_EQ((Setting{{other}, {}}.verdict_of(jwt)), Verdict::unknown_key);
    EXPECT_EQ((Setting{{retired, active}, {}}.verdict_of(jwt)), Verdict::ok) << "rotated back in";
    EXPECT_EQ((Setting{{{"k1", &default_rules, false, {}}}, {}}.verdict_of(jwt)),
              Verdict::algorithm_rejected)
        << "a key that did not load";
}

TEST(Ring, AKidChoosesItsKeyAlone) {
    const SigningKey &one = SigningKey::of("ES256"), &two = SigningKey::of("HS512");
    const Setting setting{{{"one", &default_rules, false, one.verifier()},
                           {"two", &default_rules, false, two.verifier()}},
                          {}};
    EXPECT_EQ(setting.verdict_of(mint(one, header_of(one, "one"), good_claims)), Verdict::ok);
    EXPECT_EQ(setting.verdict_of(mint(two, header_of(two, "two"), good_claims)), Verdict::ok);
    EXPECT_EQ(setting.verdict_of(mint(one, header_of(one, "two"), good_claims)),
              Verdict::algorithm_rejected);
    EXPECT_EQ(setting.verdict_of(mint(one, header_of(two, "two"), good_claims)),
              Verdict::signature_mismatch);
}

TEST(Ring, WithoutAKidTheKeysOfTheAlgorithmAreTriedButNotAll) {
    const SigningKey& wrong = SigningKey::of("HS384");
    VerificationKey other{};
    ASSERT_EQ(load_key("HS256", std::string(32, 'o'), other), KeyVerdict::ok);
    const std::string jwt = mint(hs256(), header_of(hs256(), ""), good_claims);
    Setting setting;
    setting.ring.push_back({"x", &default_rules, false, wrong.verifier()});
    for (int i = 0; i < max_attempts - 1; i++)
        setting.ring.push_back({"o", &default_rules, false, other});
    setting.ring.push_back({"k1", &default_rules, false, hs256().verifier()});
    Outcome out;
    EXPECT_EQ(setting.verdict_of(jwt, &out), Verdict::ok) << "the eighth";
    EXPECT_EQ(out.kid, "k1") << "the key that verified it";
    setting.ring.insert(setting.ring.begin(), {"o", &default_rules, false, other});
    EXPECT_EQ(setting.verdict_of(jwt), Verdict::signature_mismatch) << "the ninth";
    release(other);
}

TEST(Ring, BothCurvesOfEdDsaLiveInOneRing) {
    const SigningKey &small = SigningKey::of("EdDSA-Ed25519"),
                     &large = SigningKey::of("EdDSA-Ed448");
    const Setting setting{{{"s", &default_rules, false, small.verifier()},
                           {"l", &default_rules, false, large.verifier()}},
                          {}};
    EXPECT_EQ(setting.verdict_of(mint(small, header_of(small, ""), good_claims)), Verdict::ok);
    EXPECT_EQ(setting.verdict_of(mint(large, header_of(large, ""), good_claims)), Verdict::ok);
    EXPECT_EQ(setting.verdict_of(mint(large, header_of(large, "s"), good_claims)),
              Verdict::signature_mismatch);
}

TEST(Issuer, AKeySpeaksForItsIssuerAlone) {
    const SigningKey& key = hs256();
    const IssuerRules a = rules_of("https://a.example"), b = rules_of("https://b.example");
    const Setting bound{{{"k1", &a, false, key.verifier()}}, {a, b}};
    const Setting unbound{{{"k1", &default_rules, false, key.verifier()}}, {a, b}};
    const struct {
        const char* why;
        const Setting& setting;
        std::string payload;
        Verdict verdict;
    } cases[] = {
        {"its own", bound, claims_of("https://a.example"), Verdict::ok},
        {"its own, escaped", bound, claims_of("https:\\/\\/a.example"), Verdict::ok},
        {"the other's", bound, claims_of("https://b.example"), Verdict::issuer_mismatch},
        {"a stranger's", bound, claims_of("https://c.example"), Verdict::issuer_mismatch},
        {"a longer name", bound, claims_of("https://a.example/"), Verdict::issuer_mismatch},
        {"no issuer", bound, std::string(good_claims), Verdict::issuer_mismatch},
        {"an issuer that is no string", bound,
         R"({"iss":["https://a.example"],"tenant_id":"a","exp":1717103600})",
         Verdict::claims_malformed},
        {"unbound, no issuer", unbound, std::string(good_claims), Verdict::ok},
        {"unbound, a stranger's", unbound, claims_of("https://c.example"), Verdict::ok},
        {"unbound, a configured one's", unbound, claims_of("https://a.example"),
         Verdict::issuer_mismatch},
        {"unbound, a configured one's, escaped", unbound, claims_of("https:\\u002f/b.example"),
         Verdict::issuer_mismatch},
        {"unbound, null", unbound, R"({"iss":null,"tenant_id":"a","exp":1717103600})",
         Verdict::claims_malformed},
    };
    for (const auto& [why, setting, payload, verdict] : cases)
        EXPECT_EQ(setting.verdict_of(mint(key, header_of(key), payload)), verdict) << why;
}

TEST(Issuer, OneKeyMayBePublishedByMany) {
    // Some providers sign for every customer's issuer with one key and one kid.
    const SigningKey& key = hs256();
    std::vector<std::string> names;
    for (int i = 0; i < 20; i++) names.push_back("https://login.example/" + std::to_string(i));
    Setting setting;
    for (const std::string& name : names) setting.issuers.push_back(rules_of(name));
    for (const IssuerRules& rules : setting.issuers)
        setting.ring.push_back({"k1", &rules, false, key.verifier()});
    for (std::size_t i = 0; i < names.size(); i++) {
        Outcome out;
        EXPECT_EQ(setting.verdict_of(mint(key, header_of(key), claims_of(names[i])), &out),
                  Verdict::ok)
            << i;
        EXPECT_EQ(out.token.rules, &setting.issuers[i]);
    }
    EXPECT_EQ(setting.verdict_of(mint(key, header_of(key), claims_of("https://login.example/20"))),
              Verdict::issuer_mismatch);
}

TEST(Issuer, TheSameKidWithAnotherKeyDoesNotLendItsName) {
    const SigningKey& ours = hs256();
    VerificationKey theirs{};
    ASSERT_EQ(load_key("HS256", std::string(32, 't'), theirs), KeyVerdict::ok);
    const IssuerRules a = rules_of("https://a.example"), b = rules_of("https://b.example");
    const Setting setting{{{"k1", &a, false, theirs}, {"k1", &b, false, ours.verifier()}}, {a, b}};
    EXPECT_EQ(setting.verdict_of(mint(ours, header_of(ours), claims_of("https://b.example"))),
              Verdict::ok);
    EXPECT_EQ(setting.verdict_of(mint(ours, header_of(ours), claims_of("https://a.example"))),
              Verdict::issuer_mismatch);
    release(theirs);
}

TEST(Token, ScratchThatIsTooSmallIsNoCrash) {
    const std::string jwt = mint(hs256(), header_of(hs256()), good_claims);
    const RingKey ring[] = {{"k1", &default_rules, false, hs256().verifier()}};
    std::vector<char> scratch(scratch_size(jwt.size()) - 1);
    Token out;
    EXPECT_EQ(
        verify_token(
            jwt,
            {.ring = ring, .issuers = {}, .now_us = now_us, .require_exp = true, .max_size = 16384},
            scratch, out),
        Verdict::internal);
}

}  // namespace
}  // namespace tg::jose
