// See the header.
#include "session/authenticate.h"

#include "audit/redaction.h"
#include "audit/refusals.h"
#include "audit/tenant_activity.h"
#include "catalog/installation.h"
#include "context/tenant_context.h"
#include "enforcement/mode.h"
#include "enforcement/profile.h"
#include "enforcement/refusal.h"
#include "jose/digest.h"
#include "jose/token.h"
#include "keys/key_store.h"
#include "keys/revocations.h"
#include "pg/clock.h"
#include "pg/function.h"
#include "pg/refuse.h"
#include "pg/text.h"
#include "session/reading.h"
#include "session/remembered_tokens.h"
#include "session/remnants.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace tg::session {

namespace {

bool require_exp = true;
int max_token_size = 16 * 1024;
void (*on_first)() = nullptr;

// The planner refuses a statement that both authenticates and reads; this is for a function that
// authenticates, called by a statement that reads.
void refuse_if_reading() {
    if (!is_reading()) return;
    enforcement::refuse(enforcement::Guarding::refuse,
                        {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                         .message = "a statement that authenticates cannot read relations",
                         .detail = "A function called by a statement that reads relations authenticates.",
                         .hint = "Call tenant_guard.authenticate(jwt) in a statement of its own.",
                         .object = "tenant_guard.authenticate"});
}

[[noreturn]] void refuse(Verdict verdict, const jose::Token& token) {
    const VerdictText& text = describe(verdict);
    audit::note_refused_token({.sqlstate = text.sqlstate,
                               .reason = text.reason,
                               .kid = token.kid,
                               .tenant = token.tenant});
    pg::refuse_token(verdict);
}


// Claims are UTF-8 (RFC 8259 section 8.1). In a database of another encoding they are text only as far
// as they are ASCII.
bool is_text_here(std::string_view utf8) {
    if (GetDatabaseEncoding() == PG_UTF8) return true;
    for (const char c : utf8)
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    return true;
}

Verdict verify(std::string_view jwt, const keys::KeyRing& ring, const VerifiedUnder& now,
               jose::Token& out) {
    const std::size_t scratch_size = jose::scratch_size(jwt.size());
    auto* scratch = static_cast<char*>(palloc(scratch_size));
    const jose::Demand demand{.ring = ring.keys,
                              .issuers = ring.issuers,
                              .now_us = now.now_us,
                              .require_exp = now.require_exp,
                              .max_size = static_cast<std::size_t>(max_token_size)};
    const Verdict verdict = jose::verify_token(jwt, demand, {scratch, scratch_size}, out);
    if (verdict != Verdict::ok) return verdict;
    const bool is_text = is_text_here(out.payload) && is_text_here(out.tenant) && is_text_here(out.subject);
    return is_text ? Verdict::ok : Verdict::claims_malformed;
}

void warn_if_not_in_block() {
    if (IsTransactionBlock() || IsSubTransaction()) return;
    ereport(WARNING, (errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
                      errmsg("authentication lasts for this statement only"),
                      errdetail("It was called outside a transaction block."),
                      errhint("Call it after BEGIN."), errhidestmt(true)));
}

}  // namespace

Verdict judge_token(std::string_view jwt, jose::Token& out) {
    if (jwt.empty()) return Verdict::token_missing;
    if (jwt.size() > static_cast<std::size_t>(max_token_size)) return Verdict::token_too_large;
    const keys::KeyRing& ring = keys::current_ring();
    const VerifiedUnder now{ring.generation, pg::unix_now_us(), require_exp};
    TokenDigest digest;
    if (!jose::sha256({&jwt, 1}, digest)) return Verdict::internal;
    if (!recall(digest, now, out)) {
        const Verdict verdict = verify(jwt, ring, now, out);
        if (verdict != Verdict::ok) return verdict;
        remember(digest, now, out);
    }
    return keys::is_revoked(out) ? Verdict::revoked : Verdict::ok;
}

std::string_view authenticate_token(std::string_view jwt) {
    audit::hide_running_statement();
    pg::require_preloaded();
    catalog::require_installation();
    refuse_if_reading();

    jose::Token token{};
    const Verdict verdict = judge_token(jwt, token);
    if (verdict != Verdict::ok) refuse(verdict, token);
    const context::TenantContext* before = context::current();
    // A named role that set_config() made another in this very statement has met nobody who would refuse it.
    if (!before) enforcement::guarding();
    if (before && before->tenant() != token.tenant) refuse(Verdict::tenant_switch, token);
    check_remnants();

    context::establish({.tenant = token.tenant,
                        .subject = token.subject,
                        .has_subject = token.subject.data() != nullptr,
                        .kid = token.kid,
                        .attributes_claim = token.rules->attributes_claim,
                        .payload = token.payload,
                        .expires_us = token.has_exp ? token.expires_us : PG_INT64_MAX});
    if (token.wants_untrusted) enforcement::make_untrusted();
    const std::string_view tenant = context::current()->tenant();
    if (before) return tenant;
    on_first();
    audit::count_activity(tenant, audit::Activity::transaction);
    return tenant;
}

void install_authenticate(void (*on_first_of_transaction)()) {
    on_first = on_first_of_transaction;
    DefineCustomBoolVariable("tenant_guard.require_exp", "Refuses tokens without an expiry.", nullptr,
                             &require_exp, true, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    // Bounded: a backend remembers tokens, and reads one into three times its size.
    DefineCustomIntVariable("tenant_guard.max_token_size", "Sets the size of the largest token that is read.",
                            nullptr, &max_token_size, 16 * 1024, 1024, 64 * 1024, PGC_SUSET, GUC_UNIT_BYTE,
                            nullptr, nullptr, nullptr);
}

}  // namespace tg::session

TG_FUNCTION(tenant_guard_authenticate) {
    using namespace tg;
    std::string_view jwt;
    if (!PG_ARGISNULL(0)) jwt = pg::view_of(PG_GETARG_TEXT_PP(0));
    const std::string_view tenant = session::authenticate_token(jwt);
    session::warn_if_not_in_block();
    PG_RETURN_TEXT_P(pg::text_of(tenant));
}
