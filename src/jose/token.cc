#include "jose/token.h"

#include <cstring>
#include <limits>

#include "jose/base64url.h"
#include "jose/claims.h"
#include "jose/json.h"
#include "jose/signature.h"

namespace tg::jose {

constinit const IssuerRules default_rules = {
    .issuer = {},
    .audience = {},
    .tenant_claim = "tenant_id",
    .attributes_claim = "user_attributes",
    .leeway = 0,
    .max_age = -1,
    .token_type = {},
};

namespace {

// The header is attacker's text until the signature is checked: it may choose among our keys by
// name, and nothing else. A key of its own, an extension, another encoding or encryption is never
// looked at.
constexpr std::string_view banned_members[] = {"crit", "b64", "jwk", "jku",
                                               "x5c",  "x5u", "zip", "enc"};

struct Parts {
    std::string_view header, payload, signature;  // base64url
    std::string_view signed_text;  // the first two and the dot between (RFC 7515 section 5.2)
};

struct Header {
    std::string_view alg, kid, typ;
    bool has_kid = false;
};

bool split_token(std::string_view jwt, Parts& out) {
    const std::size_t first = jwt.find('.');
    if (first == std::string_view::npos) return false;
    const std::size_t second = jwt.find('.', first + 1);
    if (second == std::string_view::npos) return false;
    if (jwt.find('.', second + 1) != std::string_view::npos) return false;
    out.header = {jwt.data(), first};
    out.payload = {jwt.data() + first + 1, second - first - 1};
    out.signature = {jwt.data() + second + 1, jwt.size() - second - 1};
    out.signed_text = {jwt.data(), second};
    return !out.header.empty();  // an empty payload is signed like any other; it has no claims
}

// Decodes to the front of `room`, which shrinks by it. Nothing decodes to nothing.
bool decode(std::string_view encoded, std::span<char>& room, std::string_view& out) {
    std::size_t size = 0;
    if (!read_base64url(encoded, room, size)) return false;
    out = {room.data(), size};
    room = room.subspan(size);
    return true;
}

bool is_same_word(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); i++)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

// RFC 7515 sections 4.1.9 and 4.1.10: "application/" may be left out, and case does not matter.
bool is_media_type(std::string_view text, std::string_view name) {
    constexpr std::string_view prefix = "application/";
    if (text.size() > prefix.size() && is_same_word({text.data(), prefix.size()}, prefix))
        text.remove_prefix(prefix.size());
    return is_same_word(text, name);
}

bool is_banned(const JsonValue& name) {
    for (const std::string_view banned : banned_members)
        if (is_string(name, banned)) return true;
    return false;
}

// One member of the header; false if it may not be there, or not like this. Names that mean nothing
// to us (x5t and the like) are passed over, as RFC 7515 section 4 says.
bool read_header_member(const JsonMember& member, std::span<char>& room, Header& out) {
    if (is_banned(member.name)) return false;
    if (is_string(member.name, "alg")) return read_string(member.value, room, out.alg);
    if (is_string(member.name, "kid")) {
        out.has_kid = read_string(member.value, room, out.kid);
        return out.has_kid;
    }
    // RFC 8725 section 3.11: a token made for something else (a logout token, a DPoP proof) is not
    // one for us.
    if (is_string(member.name, "typ"))
        return read_string(member.value, room, out.typ) &&
               (is_media_type(out.typ, "JWT") || is_media_type(out.typ, "at+jwt"));
    std::string_view text;
    // A nested token: what was signed would be another token, and not claims.
    if (is_string(member.name, "cty"))
        return read_string(member.value, room, text) && !is_media_type(text, "JWT");
    return true;
}

// Reads all members before it judges, so that the kid of a refused token can be logged.
Verdict read_header(std::string_view text, std::span<char>& room, Header& header, Token& out) {
    JsonValue object;
    const JsonVerdict json = read_json(text, object);
    TG_REQUIRE(json != JsonVerdict::duplicate_name && json != JsonVerdict::too_complex,
               header_rejected);
    TG_REQUIRE(json == JsonVerdict::ok && object.kind == JsonKind::object, malformed);
    out.header = text;
    bool good = true;
    JsonCursor rest = members_of(object);
    for (JsonMember member; take_member(rest, member);)
        good = read_header_member(member, room, header) && good;
    out.kid = header.kid;
    TG_REQUIRE(good && !header.alg.empty(), header_rejected);
    return Verdict::ok;
}

// The key decides the algorithm: a header that names another one finds no key (RFC 8725 section
// 3.1).
bool is_candidate(const RingKey& key, const Header& header) {
    if (key.retired || key.rules == nullptr || key.key.algorithm == nullptr) return false;
    return (!header.has_kid || key.kid == header.kid) && key.key.algorithm->name == header.alg;
}

Verdict why_no_candidate(std::span<const RingKey> ring, const Header& header) {
    bool has_active = false;
    bool has_retired = false;
    for (const RingKey& key : ring) {
        if (header.has_kid && key.kid != header.kid) continue;
        (key.retired ? has_retired : has_active) = true;
    }
    if (has_active) return Verdict::algorithm_rejected;
    return has_retired ? Verdict::retired_key : Verdict::unknown_key;
}

// Tries the keys that fit. Several issuers may publish one key under one kid, so a good signature
// by a key of another issuer than the token's does not end the search; it is what is reported if
// nothing better comes.
Verdict verify_with_ring(const Parts& parts, std::string_view signature,
                         std::string_view payload_text, const Header& header, const Demand& demand,
                         std::span<char> room, Token& out) {
    JsonValue payload{};
    bool is_authentic = false;
    int attempts = 0;
    Verdict verdict = Verdict::signature_mismatch;
    for (const RingKey& key : demand.ring) {
        if (!is_candidate(key, header)) continue;
        if (is_authentic && judge_issuer(payload, *key.rules, demand.issuers) != Verdict::ok)
            continue;
        if (attempts++ == max_attempts) break;
        const Verdict signature_verdict = verify_signature(key.key, parts.signed_text, signature);
        if (signature_verdict == Verdict::signature_mismatch) continue;
        if (signature_verdict != Verdict::ok) return signature_verdict;

        // Only from here on may the payload be read.
        if (!is_authentic) {
            TG_REQUIRE(read_json(payload_text, payload) == JsonVerdict::ok, claims_malformed);
            TG_REQUIRE(payload.kind == JsonKind::object, claims_malformed);
            is_authentic = true;
            out.payload = payload_text;
        }
        out.algorithm = key.key.algorithm;
        out.rules = key.rules;
        verdict = judge_issuer(payload, *key.rules, demand.issuers);
        if (verdict == Verdict::issuer_mismatch) continue;
        if (verdict != Verdict::ok) return verdict;
        // RFC 9068 section 4: where access tokens are wanted, an ID token of the same issuer is not
        // one, and one that does not say what it is may be either.
        TG_REQUIRE(key.rules->token_type.empty() ||
                       is_media_type(header.typ, key.rules->token_type),
                   type_mismatch);
        if (!header.has_kid) out.kid = key.kid;
        return judge_claims(payload, *key.rules, demand, room, out);
    }
    return attempts == 0 ? why_no_candidate(demand.ring, header) : verdict;
}

}  // namespace

Verdict verify_token(std::string_view jwt, const Demand& demand, std::span<char> scratch,
                     Token& out) {
    out = {};
    out.expires_us = std::numeric_limits<std::int64_t>::max();
    TG_REQUIRE(!jwt.empty(), token_missing);
    TG_REQUIRE(jwt.size() <= demand.max_size, token_too_large);
    TG_REQUIRE(scratch.size() >= scratch_size(jwt.size()), internal);
    Parts parts;
    TG_REQUIRE(split_token(jwt, parts), malformed);

    std::span<char> room = scratch;
    std::string_view header_text, payload_text, signature;
    TG_REQUIRE(decode(parts.header, room, header_text), malformed);
    Header header;
    const Verdict header_verdict = read_header(header_text, room, header, out);
    if (header_verdict != Verdict::ok) return header_verdict;
    // Among others "none", whatever its spelling: there is no row for it.
    TG_REQUIRE(is_known_algorithm(header.alg), algorithm_rejected);
    TG_REQUIRE(decode(parts.payload, room, payload_text), malformed);
    TG_REQUIRE(decode(parts.signature, room, signature) && !signature.empty(), malformed);
    return verify_with_ring(parts, signature, payload_text, header, demand, room, out);
}

}  // namespace tg::jose
