// Why a token was refused. A verdict is data: the core returns it, and only the server's side turns
// it into an error. Each has one SQLSTATE that applications may rely on; the detail never repeats a
// byte of the token, since a token is a password and details reach logs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tg {

// The order is the order of the SQLSTATEs: append only.
enum class Verdict : std::uint8_t {
    ok,
    token_missing,
    token_too_large,
    malformed,
    header_rejected,
    algorithm_rejected,
    unknown_key,
    retired_key,
    signature_mismatch,
    expired,
    not_yet_valid,
    issued_in_future,
    too_old,
    claims_malformed,
    issuer_mismatch,
    audience_mismatch,
    tenant_missing,
    revoked,
    tenant_switch,
    internal,
    type_mismatch,
};

inline constexpr std::size_t verdict_count = static_cast<std::size_t>(Verdict::type_mismatch) + 1;

struct VerdictText {
    std::string_view reason;  // the enumerator's name, for logs and verify()
    const char* sqlstate;     // five characters, unique
    const char* detail;       // a full sentence
    const char* hint;         // a full sentence, or nullptr
};

const VerdictText& describe(Verdict verdict);

}  // namespace tg

// Refuse first: leaves the function with a verdict unless the condition holds.
#define TG_REQUIRE(condition, verdict)                   \
    do {                                                 \
        if (!(condition)) return ::tg::Verdict::verdict; \
    } while (false)
