// The one question this library answers: may this compact JWS (RFC 7515, RFC 7519, RFC 8725) speak
// for a tenant? The order is the argument: shape, header, key, signature, and only then is the
// payload parsed. Were any of it read before the signature, an attacker's JSON would reach code
// that trusts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/verdict.h"
#include "jose/key.h"

namespace tg::jose {

// What the administrator said about an issuer. Times in seconds.
struct IssuerRules {
    std::string_view issuer;                     // empty: a key bound to no issuer
    std::span<const std::string_view> audience;  // empty: "aud" is not looked at beyond its type
    std::string_view tenant_claim;               // a name or a path, see claim_path.h
    std::string_view attributes_claim;
    std::int64_t leeway;
    std::int64_t max_age;         // < 0: none
    std::string_view token_type;  // what "typ" must say; empty: JWT, at+jwt or nothing
};

// No issuer, tenant_id, user_attributes, no leeway, no max_age.
extern const IssuerRules default_rules;

struct RingKey {
    std::string_view kid;
    // Never nullptr. With an empty issuer the key serves tokens of no configured issuer.
    const IssuerRules* rules;
    bool retired;
    VerificationKey key;
};

struct Demand {
    std::span<const RingKey> ring;
    // All that are configured: a key that is bound to none may not speak for any of them.
    std::span<const IssuerRules> issuers;
    std::int64_t now_us;  // Unix time, microseconds
    bool require_exp;
    std::size_t max_size;  // bytes of the compact token
};

// The views look into the scratch given to verify_token, `kid` of a token that names none into the
// ring. `header` and `kid` are filled as soon as they can be read, also when the token is refused:
// they are attacker's text, for logs. All the rest is filled only from a payload whose signature
// was good.
struct Token {
    std::string_view header, payload;  // decoded JSON text
    std::string_view kid, subject, tenant, jti;
    const Algorithm* algorithm;
    const IssuerRules* rules;
    bool has_exp;
    std::int64_t expires_us;  // includes the leeway; INT64_MAX if the token never expires
    bool has_iat;
    std::int64_t issued_us;
    bool wants_untrusted;  // the claim "tenant_guard_profile" is "untrusted"
};

// At most this many signatures are computed for one token, however many keys share its kid or
// algorithm.
inline constexpr int max_attempts = 8;

// Bytes of scratch that verify_token needs for a token of this size.
constexpr std::size_t scratch_size(std::size_t token_size) {
    return 3 * token_size + 16;
}

// `out` is reset first and filled as far as it was verified. Scratch that is too small is
// `internal`.
Verdict verify_token(std::string_view jwt, const Demand& demand, std::span<char> scratch,
                     Token& out);

}  // namespace tg::jose
