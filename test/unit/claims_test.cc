// What a payload must say. A claim of the wrong type is a refusal, never an absent claim.
#include "jose/claims.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mint.h"

namespace tg::jose {
namespace {

constexpr std::int64_t now_s = 1'717'100'600;  // test::now_us

struct Judged {
    Verdict verdict;
    std::string tenant, subject, jti;
    Token token;
};

Judged judge(const std::string& payload, const IssuerRules& rules = default_rules,
             bool require_exp = true) {
    JsonValue object;
    EXPECT_EQ(read_json(payload, object), JsonVerdict::ok) << payload;
    std::vector<char> room(payload.size() * 2);
    const Demand demand{.ring = {},
                        .issuers = {},
                        .now_us = test::now_us,
                        .require_exp = require_exp,
                        .max_size = 0};
    Judged out{};
    out.verdict = judge_claims(object, rules, demand, room, out.token);
    out.tenant = out.token.tenant;
    out.subject = out.token.subject;
    out.jti = out.token.jti;
    return out;
}

// A good payload with these members in addition.
std::string with(const std::string& members) {
    return R"({"tenant_id":"acme","exp":1717103600)" + (members.empty() ? "" : "," + members) + "}";
}

std::string only(const std::string& members) {
    return R"({"tenant_id":"acme")" + (members.empty() ? "" : "," + members) + "}";
}

TEST(Claims, ExpiryIsRequiredAndANumber) {
    const struct {
        const char* why;
        std::string payload;
        Verdict verdict;
    } cases[] = {
        {"the control", only(R"("exp":1717103600)"), Verdict::ok},
        {"no exp", only(""), Verdict::claims_malformed},
        {"a string", only(R"("exp":"1717103600")"), Verdict::claims_malformed},
        {"null", only(R"("exp":null)"), Verdict::claims_malformed},
        {"an array", only(R"("exp":[1717103600])"), Verdict::claims_malformed},
        {"true", only(R"("exp":true)"), Verdict::claims_malformed},
        {"negative", only(R"("exp":-1)"), Verdict::claims_malformed},
        {"1e300", only(R"("exp":1e300)"), Verdict::claims_malformed},
        {"2^53 + 1", only(R"("exp":9007199254740993)"), Verdict::claims_malformed},
        {"2^53", only(R"("exp":9007199254740992)"), Verdict::ok},
        {"2^64 + a little", only(R"("exp":18446744073709551700)"), Verdict::claims_malformed},
        {"an exponent", only(R"("exp":1e10)"), Verdict::ok},
        {"a fraction", only(R"("exp":1717100600.5)"), Verdict::ok},
        {"now", only(R"("exp":1717100600)"), Verdict::expired},
        {"now, with a fraction of zero", only(R"("exp":1717100600.0)"), Verdict::expired},
        {"a second ago", only(R"("exp":1717100599)"), Verdict::expired},
        {"a second to go", only(R"("exp":1717100601)"), Verdict::ok},
        {"1970", only(R"("exp":0)"), Verdict::expired},
        {"milliseconds are far in the future", only(R"("exp":1717103600000)"), Verdict::ok},
    };
    for (const auto& [why, payload, verdict] : cases)
        EXPECT_EQ(judge(payload).verdict, verdict) << why;
}

TEST(Claims, AProfileIsOneOfTwoWordsOrTheTokenIsRefused) {
    const struct {
        const char* why;
        std::string members;
        Verdict verdict;
        bool wants_untrusted;
    } cases[] = {
        {"none", "", Verdict::ok, false},
        {"untrusted", R"("tenant_guard_profile":"untrusted")", Verdict::ok, true},
        {"an escape in it", R"("tenant_guard_profile":"untruste\u0064")", Verdict::ok, true},
        {"application", R"("tenant_guard_profile":"application")", Verdict::ok, false},
        {"another word", R"("tenant_guard_profile":"strict")", Verdict::claims_malformed, false},
        {"another case", R"("tenant_guard_profile":"Untrusted")", Verdict::claims_malformed, false},
        {"empty", R"("tenant_guard_profile":"")", Verdict::claims_malformed, false},
        {"null", R"("tenant_guard_profile":null)", Verdict::claims_malformed, false},
        {"true", R"("tenant_guard_profile":true)", Verdict::claims_malformed, false},
        {"an array", R"("tenant_guard_profile":["untrusted"])", Verdict::claims_malformed, false},
        {"inside of something", R"("x":{"tenant_guard_profile":"untrusted"})", Verdict::ok, false},
    };
    for (const auto& [why, members, verdict, wants_untrusted] : cases) {
        const Judged judged = judge(with(members));
        EXPECT_EQ(judged.verdict, verdict) << why;
        if (verdict == Verdict::ok)
            EXPECT_EQ(judged.token.wants_untrusted, wants_untrusted) << why;
    }
}

TEST(Claims, WithoutTheSwitchExpiryIsHonouredStill) {
    EXPECT_EQ(judge(only(""), default_rules, false).verdict, Verdict::ok);
    EXPECT_FALSE(judge(only(""), default_rules, false).token.has_exp);
    EXPECT_EQ(judge(only(R"("exp":1)"), default_rules, false).verdict, Verdict::expired);
    EXPECT_EQ(judge(only(R"("exp":"never")"), default_rules, false).verdict,
              Verdict::claims_malformed);
}

TEST(Claims, NotBeforeAndIssuedAtAreHonoured) {
    const struct {
        std::string members;
        Verdict verdict;
    } cases[] = {
        {R"("nbf":1717100600)", Verdict::ok},
        {R"("nbf":1717100601)", Verdict::not_yet_valid},
        {R"("nbf":1717100600.000001)", Verdict::not_yet_valid},
        {R"("nbf":"1717100600")", Verdict::claims_malformed},
        {R"("nbf":-1)", Verdict::claims_malformed},
        {R"("nbf":9007199254740992)", Verdict::not_yet_valid},
        {R"("iat":0)", Verdict::ok},
        {R"("iat":1717100600)", Verdict::ok},
        {R"("iat":1717100601)", Verdict::issued_in_future},
        {R"("iat":"yesterday")", Verdict::claims_malformed},
        {R"("iat":{})", Verdict::claims_malformed},
    };
    for (const auto& [members, verdict] : cases)
        EXPECT_EQ(judge(with(members)).verdict, verdict) << members;
}

TEST(Claims, LeewayStretchesEachTimeAndNothingElse) {
    IssuerRules rules = default_rules;
    rules.leeway = 30;
    const auto at = [](std::string_view name, std::int64_t second) {
        return "\"" + std::string(name) + "\":" + std::to_string(second);
    };
    EXPECT_EQ(judge(only(at("exp", now_s - 29)), rules).verdict, Verdict::ok);
    EXPECT_EQ(judge(only(at("exp", now_s - 30)), rules).verdict, Verdict::expired);
    EXPECT_EQ(judge(only(at("exp", now_s)), rules).token.expires_us, test::now_us + 30'000'000);
    EXPECT_EQ(judge(with(at("nbf", now_s + 30)), rules).verdict, Verdict::ok);
    EXPECT_EQ(judge(with(at("nbf", now_s + 31)), rules).verdict, Verdict::not_yet_valid);
    EXPECT_EQ(judge(with(at("iat", now_s + 30)), rules).verdict, Verdict::ok);
    EXPECT_EQ(judge(with(at("iat", now_s + 31)), rules).verdict, Verdict::issued_in_future);
    rules.leeway = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(judge(only(at("exp", 1)), rules).verdict, Verdict::ok) << "and no overflow";
    rules.leeway = std::numeric_limits<std::int64_t>::min();
    EXPECT_EQ(judge(only(at("exp", now_s + 1)), rules).verdict, Verdict::ok)
        << "a negative one is none";
}

TEST(Claims, AnOldTokenIsRefusedWhereAgeIsLimited) {
    IssuerRules rules = default_rules;
    rules.max_age = 600;
    EXPECT_EQ(judge(with(R"("iat":1717100000)"), rules).verdict, Verdict::ok);
    EXPECT_EQ(judge(with(R"("iat":1717099999)"), rules).verdict, Verdict::too_old);
    EXPECT_EQ(judge(with(""), rules).verdict, Verdict::too_old) << "does not say";
    rules.max_age = 0;
    EXPECT_EQ(judge(with(R"("iat":1717100599)"), rules).verdict, Verdict::too_old);
    rules.max_age = -1;
    EXPECT_EQ(judge(with(R"("iat":1)"), rules).verdict, Verdict::ok);
}

TEST(Claims, TheAudienceMustBeOneOfOurs) {
    constexpr std::string_view ours[] = {"db", "https://db.example"};
    IssuerRules rules = default_rules;
    rules.audience = ours;
    const struct {
        std::string members;
        Verdict with_audience, without;
    } cases[] = {
        {"", Verdict::audience_mismatch, Verdict::ok},
        {R"("aud":"db")", Verdict::ok, Verdict::ok},
        {R"("aud":"https:\/\/db.example")", Verdict::ok, Verdict::ok},
        {R"("aud":["x","db"])", Verdict::ok, Verdict::ok},
        {R"("aud":"DB")", Verdict::audience_mismatch, Verdict::ok},
        {R"("aud":"d")", Verdict::audience_mismatch, Verdict::ok},
        {R"("aud":"db ")", Verdict::audience_mismatch, Verdict::ok},
        {R"("aud":"")", Verdict::audience_mismatch, Verdict::ok},
        {R"("aud":[])", Verdict::audience_mismatch, Verdict::ok},
        {R"("aud":["x"])", Verdict::audience_mismatch, Verdict::ok},
        {R"("aud":null)", Verdict::claims_malformed, Verdict::claims_malformed},
        {R"("aud":7)", Verdict::claims_malformed, Verdict::claims_malformed},
        {R"("aud":{"db":1})", Verdict::claims_malformed, Verdict::claims_malformed},
        {R"("aud":["db",7])", Verdict::claims_malformed, Verdict::claims_malformed},
        {R"("aud":[["db"]])", Verdict::claims_malformed, Verdict::claims_malformed},
    };
    for (const auto& [members, with_audience, without] : cases) {
        EXPECT_EQ(judge(with(members), rules).verdict, with_audience) << members;
        EXPECT_EQ(judge(with(members)).verdict, without) << members;
    }
}

TEST(Claims, TheTenantIsANonEmptyStringOrAnInteger) {
    const struct {
        std::string tenant;
        std::string expected;  // "": refused
    } cases[] = {
        {R"("acme")", "acme"},
        {R"("\u0061cme")", "acme"},
        {R"("\u00e9")", "\xc3\xa9"},
        {R"("with space")", "with space"},
        {'"' + std::string(255, 't') + '"', std::string(255, 't')},
        {"42", "42"},
        {"0", "0"},
        {"-7", "-7"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {R"("")", ""},
        {'"' + std::string(256, 't') + '"', ""},
        {"-0", ""},
        {"4.2", ""},
        {"42.0", ""},
        {"4e2", ""},
        {"9223372036854775808", ""},
        {"null", ""},
        {"true", ""},
        {"[]", ""},
        {R"(["acme"])", ""},
        {R"({"id":"acme"})", ""},
    };
    for (const auto& [tenant, expected] : cases) {
        const Judged out = judge(R"({"exp":1717103600,"tenant_id":)" + tenant + "}");
        EXPECT_EQ(out.verdict, expected.empty() ? Verdict::tenant_missing : Verdict::ok) << tenant;
        EXPECT_EQ(out.tenant, expected);
    }
    EXPECT_EQ(judge(R"({"exp":1717103600})").verdict, Verdict::tenant_missing);
    EXPECT_EQ(judge(R"({"exp":1717103600,"Tenant_id":"acme"})").verdict, Verdict::tenant_missing);
    EXPECT_EQ(judge(R"({"exp":1717103600,"x":{"tenant_id":"acme"}})").verdict,
              Verdict::tenant_missing);
}

TEST(Claims, TheTenantIsFoundByItsConfiguredPath) {
    IssuerRules rules = default_rules;
    rules.tenant_claim = "app_metadata.org.id";
    EXPECT_EQ(judge(R"({"exp":1717103600,"app_metadata":{"org":{"id":"acme"}}})", rules).tenant,
              "acme");
    EXPECT_EQ(judge(R"({"exp":1717103600,"tenant_id":"acme"})", rules).verdict,
              Verdict::tenant_missing);
    rules.tenant_claim = "https://example.com/tenant";
    EXPECT_EQ(judge(R"({"exp":1717103600,"https://example.com/tenant":"acme"})", rules).tenant,
              "acme");
    rules.tenant_claim = "sub";
    EXPECT_EQ(judge(R"({"exp":1717103600,"sub":"a\u0063me"})", rules).tenant, "acme");
    rules.tenant_claim = "";
    EXPECT_EQ(judge(with(""), rules).verdict, Verdict::tenant_missing);
}

TEST(Claims, SubjectAndJtiAreStrings) {
    const struct {
        std::string members;
        Verdict verdict;
    } cases[] = {
        {R"("sub":"u","jti":"j")", Verdict::ok},
        {R"("sub":"")", Verdict::ok},
        {R"("sub":")" + std::string(1024, 's') + '"', Verdict::ok},
        {R"("sub":")" + std::string(1025, 's') + '"', Verdict::claims_malformed},
        {R"("sub":7)", Verdict::claims_malformed},
        {R"("sub":null)", Verdict::claims_malformed},
        {R"("jti":7)", Verdict::claims_malformed},
        {R"("jti":["j"])", Verdict::claims_malformed},
    };
    for (const auto& [members, verdict] : cases)
        EXPECT_EQ(judge(with(members)).verdict, verdict) << members;
    const Judged out = judge(with(R"("sub":"u\n","jti":"\u006a")"));
    EXPECT_EQ(out.subject, "u\n");
    EXPECT_EQ(out.jti, "j");
}

}  // namespace
}  // namespace tg::jose
