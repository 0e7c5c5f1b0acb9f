#include "core/verdict.h"

#include <array>

namespace tg {
namespace {

constexpr const char* add_a_key =
    "Run SELECT * FROM tenant_guard.keys to see the key ring, and add the issuer's key with "
    "tenant_guard.add_jwk(), add_pem() or add_secret().";
constexpr const char* new_token = "Ask the issuer for a new token and authenticate again.";
constexpr const char* look_at_the_token =
    "Run SELECT * FROM tenant_guard.verify('...') as an administrator to see what the token says.";

constexpr std::array<VerdictText, verdict_count> texts = {{
    {"ok", "00000", "The token is valid.", nullptr},
    {"token_missing", "28T01", "No token was given.",
     "Run SELECT tenant_guard.authenticate($1) with a signed token."},
    {"token_too_large", "28T02", "The token is larger than the largest that is read.",
     "Ask the issuer for a token with fewer claims."},
    {"malformed", "28T03",
     "The token is not a compact JWS: three base64url parts without padding, of which the first is "
     "a "
     "JSON object.",
     "Pass the token as the issuer wrote it, without a \"Bearer\" prefix, quotes or white space."},
    {"header_rejected", "28T04",
     "The header of the token is ambiguous or asks for something that is never honoured, such as a "
     "key "
     "of its own, an extension, compression, encryption or a nested token.",
     look_at_the_token},
    {"algorithm_rejected", "28T05",
     "The algorithm in the header of the token is not the algorithm of the key.",
     "Run SELECT * FROM tenant_guard.keys to see which algorithm each key is for."},
    {"unknown_key", "28T06", "No key fits the token.", add_a_key},
    {"retired_key", "28T07", "The key that the token names was retired.", new_token},
    {"signature_mismatch", "28T08", "The signature of the token was not made with the key.",
     add_a_key},
    {"expired", "28T09", "The token has expired.", new_token},
    {"not_yet_valid", "28T10", "The token is not valid yet.",
     "Compare the clocks of the issuer and of this server, or give the issuer a leeway with "
     "tenant_guard.add_issuer()."},
    {"issued_in_future", "28T11", "The token says that it was issued in the future.",
     "Compare the clocks of the issuer and of this server, or give the issuer a leeway with "
     "tenant_guard.add_issuer()."},
    {"too_old", "28T12",
     "The token was issued longer ago than max_age of its issuer allows, or does not say when.",
     new_token},
    {"claims_malformed", "28T13",
     "The payload of the token is not an unambiguous JSON object, a registered claim in it is of "
     "the wrong "
     "type or out of range, or it lacks an \"exp\" claim that is required.",
     look_at_the_token},
    {"issuer_mismatch", "28T14", "The token names another issuer than the one its key belongs to.",
     "Run SELECT * FROM tenant_guard.keys to see the issuer of each key."},
    {"audience_mismatch", "28T15",
     "The token is not meant for any audience that its issuer is configured with.",
     "Ask the issuer for a token for this audience, or change the audience with "
     "tenant_guard.add_issuer()."},
    {"tenant_missing", "28T16",
     "The token has no tenant claim, or one that is neither a non-empty string nor an integer.",
     "Name the claim that holds the tenant with tenant_guard.add_issuer(..., tenant_claim => "
     "'...')."},
    {"revoked", "28T17", "The token, its subject or its tenant was revoked.", new_token},
    {"tenant_switch", "28T18", "The transaction is already authenticated for another tenant.",
     "Run COMMIT or ROLLBACK before a token of another tenant."},
    {"internal", "28T19", "The token could not be checked, and so it is not accepted.",
     "Look into the server log for what went before."},
    {"type_mismatch", "28T20",
     "The token is not of the type that its issuer is configured with, or does not say its type.",
     "Ask the issuer for a token of that type, or change the type with "
     "tenant_guard.require_token_type()."},
}};

}  // namespace

const VerdictText& describe(Verdict verdict) {
    const auto index = static_cast<std::size_t>(verdict);
    return texts[index < texts.size() ? index : static_cast<std::size_t>(Verdict::internal)];
}

}  // namespace tg
