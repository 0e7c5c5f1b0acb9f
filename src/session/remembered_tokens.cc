// See the header. A fixed table in which a digest has one place: bounded, and nothing to evict.
#include "session/remembered_tokens.h"

extern "C" {
#include "common/int.h"
}

namespace tg::session {

namespace {

constexpr std::size_t place_count = 64;

struct RememberedToken {
    TokenDigest digest;
    VerifiedUnder verified;
    int64 good_until_us;
    jose::Token token;  // its views point into `bytes`
    char* bytes;        // in TopMemoryContext; null for an empty place
};

RememberedToken places[place_count];

RememberedToken& place_of(const TokenDigest& digest) { return places[digest[0] % place_count]; }

int64 add_seconds(int64 time_us, int64 seconds) {
    int64 sum_us = 0;
    int64 seconds_us = 0;
    if (pg_mul_s64_overflow(seconds, USECS_PER_SEC, &seconds_us) ||
        pg_add_s64_overflow(time_us, seconds_us, &sum_us))
        return PG_INT64_MAX;
    return sum_us;
}

// When expiry (leeway included) or the issuer's max_age ends the token, whichever comes first.
int64 end_of(const jose::Token& token) {
    const int64 expiry = token.has_exp ? token.expires_us : PG_INT64_MAX;
    if (token.rules->max_age < 0) return expiry;
    const int64 age = add_seconds(add_seconds(token.issued_us, token.rules->max_age), token.rules->leeway);
    return age < expiry ? age : expiry;
}

// Copies a view to `at` and makes it point there.
void move_view(std::string_view& view, char*& at) {
    if (!view.data()) return;
    std::memcpy(at, view.data(), view.size());
    view = {at, view.size()};
    at += view.size();
}

}  // namespace

bool recall(const TokenDigest& digest, const VerifiedUnder& now, jose::Token& out) {
    const RememberedToken& found = place_of(digest);
    if (!found.bytes || found.digest != digest) return false;
    if (found.verified.ring_generation != now.ring_generation) return false;
    if (now.require_exp && !found.token.has_exp) return false;
    // A clock that was set back makes "not before" and "issued at" uncertain again.
    if (now.now_us < found.verified.now_us || now.now_us >= found.good_until_us) return false;
    out = found.token;
    return true;
}

void remember(const TokenDigest& digest, const VerifiedUnder& now, const jose::Token& token) {
    RememberedToken& place = place_of(digest);
    char* former = place.bytes;
    place.bytes = nullptr;
    if (former) pfree(former);
    const std::size_t size = token.header.size() + token.payload.size() + token.kid.size() +
                             token.subject.size() + token.tenant.size() + token.jti.size();
    auto* bytes = static_cast<char*>(MemoryContextAlloc(TopMemoryContext, size));
    char* at = bytes;
    place.token = token;
    for (std::string_view* view : {&place.token.header, &place.token.payload, &place.token.kid,
                                   &place.token.subject, &place.token.tenant, &place.token.jti})
        move_view(*view, at);
    place.digest = digest;
    place.verified = now;
    place.good_until_us = end_of(token);
    place.bytes = bytes;
}

}  // namespace tg::session
