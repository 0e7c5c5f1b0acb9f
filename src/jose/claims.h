// What a payload must say (RFC 7519 section 4.1) for its token to be used, judged against the rules
// of the key that signed it. Called only after the signature was good. A claim of the wrong type is
// refused and never ignored: an "exp" that is a string would otherwise be a token that never
// expires.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/verdict.h"
#include "jose/json.h"
#include "jose/token.h"

namespace tg::jose {

inline constexpr std::size_t max_subject_size = 1024;
inline constexpr std::size_t max_tenant_size = 255;

// Does a token with this "iss" belong to a key with these rules? (`ok`, `issuer_mismatch` or
// `claims_malformed`.) Apart from judge_claims because several issuers may share one key.
Verdict judge_issuer(const JsonValue& payload, const IssuerRules& rules,
                     std::span<const IssuerRules> issuers);

// Everything but the issuer. Fills subject, tenant, jti and the times of `out`; `room` is for
// unescaping.
Verdict judge_claims(const JsonValue& payload, const IssuerRules& rules, const Demand& demand,
                     std::span<char> room, Token& out);

}  // namespace tg::jose
