// Tokens that this backend has verified lately, by digest. Checking a signature again proves nothing
// new as long as the keys are the same; everything that time or an administrator can change - expiry,
// keys, issuers, revocation - is looked at on every use.
#pragma once

#include "jose/token.h"
#include "pg/server.h"

namespace tg::session {

using TokenDigest = std::array<std::uint8_t, 32>;

// What the verdict on a token depended on beside the token.
struct VerifiedUnder {
    uint64 ring_generation;
    int64 now_us;  // Unix time
    bool require_exp;
};

// Fills `out` and returns true if the token was verified under the same keys and is still good at
// this time. The views of `out` are valid until the next remember().
bool recall(const TokenDigest& digest, const VerifiedUnder& now, jose::Token& out);

// Keeps a copy of a token that was just verified, in the place of another one.
void remember(const TokenDigest& digest, const VerifiedUnder& now, const jose::Token& token);

}  // namespace tg::session
