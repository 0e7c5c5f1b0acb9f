#include "jose/claims.h"

#include <limits>

#include "jose/claim_path.h"

namespace tg::jose {
namespace {

constexpr std::int64_t second = 1'000'000;  // in microseconds
constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

// Neither is ever negative here.
std::int64_t add(std::int64_t a, std::int64_t b) {
    return a > end_of_time - b ? end_of_time : a + b;
}

std::int64_t to_microseconds(std::int64_t seconds) {
    if (seconds <= 0) return 0;
    return seconds > end_of_time / second ? end_of_time : seconds * second;
}

// RFC 7519 section 4.1.3: a string, or an array of strings.
struct Audience {
    bool is_well_formed;
    bool is_met;
};

Audience read_audience(const JsonValue& value, std::span<const std::string_view> wanted) {
    const auto is_wanted = [wanted](const JsonValue& name) {
        for (const std::string_view one : wanted)
            if (is_string(name, one)) return true;
        return false;
    };
    if (value.kind == JsonKind::string) return {true, is_wanted(value)};
    if (value.kind != JsonKind::array) return {false, false};
    bool met = false;
    JsonCursor rest = elements_of(value);
    for (JsonValue name; take_element(rest, name);) {
        if (name.kind != JsonKind::string) return {false, false};
        met = met || is_wanted(name);
    }
    return {true, met};
}

// The registered claims as they were found. Absent times are flagged, not zero.
struct Registered {
    Audience audience{true, false};
    std::int64_t expires_us = 0, not_before_us = 0, issued_us = 0;
    bool has_exp = false, has_nbf = false, has_iat = false;
};

bool read_date(const JsonValue& value, bool& has, std::int64_t& out_us) {
    has = true;
    return read_numeric_date(value, out_us);
}

// The claim of our own. A value nobody knows is refused: it may ask for more care than we can give.
bool read_profile(const JsonValue& value, bool& wants_untrusted) {
    wants_untrusted = is_string(value, "untrusted");
    return wants_untrusted || is_string(value, "application");
}

// False if any registered claim is of the wrong type or out of range.
bool read_registered(const JsonValue& payload, std::span<const std::string_view> wanted,
                     std::span<char>& room, Registered& out, Token& token) {
    JsonCursor rest = members_of(payload);
    for (JsonMember member; take_member(rest, member);) {
        const auto is_named = [&member](std::string_view name) {
            return is_string(member.name, name);
        };
        bool good = true;
        if (is_named("exp")) {
            good = read_date(member.value, out.has_exp, out.expires_us);
        } else if (is_named("nbf")) {
            good = read_date(member.value, out.has_nbf, out.not_before_us);
        } else if (is_named("iat")) {
            good = read_date(member.value, out.has_iat, out.issued_us);
        } else if (is_named("aud")) {
            out.audience = read_audience(member.value, wanted);
            good = out.audience.is_well_formed;
        } else if (is_named("sub")) {
            good = read_string(member.value, room, token.subject) &&
                   token.subject.size() <= max_subject_size;
        } else if (is_named("jti")) {
            good = read_string(member.value, room, token.jti);
        } else if (is_named("tenant_guard_profile")) {
            good = read_profile(member.value, token.wants_untrusted);
        }
        if (!good) return false;
    }
    return true;
}

// RFC 7519 sections 4.1.4 to 4.1.6.
Verdict judge_times(const Registered& claims, const IssuerRules& rules, const Demand& demand) {
    const std::int64_t now = demand.now_us < 0 ? 0 : demand.now_us;
    const std::int64_t leeway = to_microseconds(rules.leeway);
    TG_REQUIRE(claims.has_exp || !demand.require_exp, claims_malformed);
    TG_REQUIRE(!claims.has_exp || now < add(claims.expires_us, leeway), expired);
    TG_REQUIRE(!claims.has_nbf || add(now, leeway) >= claims.not_before_us, not_yet_valid);
    TG_REQUIRE(!claims.has_iat || add(now, leeway) >= claims.issued_us, issued_in_future);
    if (rules.max_age < 0) return Verdict::ok;
    TG_REQUIRE(claims.has_iat, too_old);
    TG_REQUIRE(now <= add(add(claims.issued_us, to_microseconds(rules.max_age)), leeway), too_old);
    return Verdict::ok;
}

// A non-empty string or an integer, as text. Neither 1.0 nor 1e0 is an integer here: whoever
// compares tenants as text must not see two names for one.
bool read_tenant(const JsonValue& payload, std::string_view claim, std::span<char>& room,
                 std::string_view& out) {
    JsonValue value;
    if (!find_claim(payload, claim, value)) return false;
    if (is_integer(value)) {
        out = value.text;
        return true;
    }
    std::string_view tenant;
    if (!read_string(value, room, tenant) || tenant.empty() || tenant.size() > max_tenant_size)
        return false;
    out = tenant;
    return true;
}

}  // namespace

Verdict judge_issuer(const JsonValue& payload, const IssuerRules& rules,
                     std::span<const IssuerRules> issuers) {
    JsonValue named;
    const bool has_issuer = find_member(payload, "iss", named);
    TG_REQUIRE(!has_issuer || named.kind == JsonKind::string, claims_malformed);
    if (!rules.issuer.empty()) {
        TG_REQUIRE(has_issuer && is_string(named, rules.issuer), issuer_mismatch);
        return Verdict::ok;
    }
    if (!has_issuer) return Verdict::ok;
    // A configured issuer has keys of its own: a key that belongs to nobody may not speak for it.
    for (const IssuerRules& configured : issuers)
        TG_REQUIRE(configured.issuer.empty() || !is_string(named, configured.issuer),
                   issuer_mismatch);
    return Verdict::ok;
}

Verdict judge_claims(const JsonValue& payload, const IssuerRules& rules, const Demand& demand,
                     std::span<char> room, Token& out) {
    Registered claims;
    TG_REQUIRE(read_registered(payload, rules.audience, room, claims, out), claims_malformed);
    out.has_exp = claims.has_exp;
    out.expires_us =
        claims.has_exp ? add(claims.expires_us, to_microseconds(rules.leeway)) : end_of_time;
    out.has_iat = claims.has_iat;
    out.issued_us = claims.issued_us;
    // The tenant comes before the refusals below only so that the log can name it.
    const bool has_tenant = read_tenant(payload, rules.tenant_claim, room, out.tenant);
    TG_REQUIRE(rules.audience.empty() || claims.audience.is_met, audience_mismatch);
    const Verdict times = judge_times(claims, rules, demand);
    if (times != Verdict::ok) return times;
    TG_REQUIRE(has_tenant, tenant_missing);
    return Verdict::ok;
}

}  // namespace tg::jose
