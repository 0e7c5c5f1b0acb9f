// See the header.
#include "audit/refusals.h"

#include "audit/event.h"
#include "audit/tenant_activity.h"
#include "audit/violations.h"
#include "context/tenant_context.h"

extern "C" {
#include "common/hashfn.h"
}

namespace tg::audit {

namespace {

// What was noted since the client's last message, by hash. A message that meets more than these gets
// lines that repeat.
std::array<uint64, 32> noted{};
std::size_t noted_count = 0;
TimestampTz noted_at = 0;

bool is_noted(const char* reason) {
    if (noted_at != GetCurrentStatementStartTimestamp()) {
        noted_at = GetCurrentStatementStartTimestamp();
        noted_count = 0;
    }
    const uint64 hash = hash_bytes_extended(reinterpret_cast<const unsigned char*>(reason),
                                            static_cast<int>(std::strlen(reason)), 0);
    for (std::size_t i = 0; i < noted_count; i++)
        if (noted[i] == hash) return true;
    if (noted_count < noted.size()) noted[noted_count++] = hash;
    return false;
}

}  // namespace

void note_refused_statement(const RefusedStatement& refused) {
    if (!refused.is_refused && is_noted(refused.reason)) return;
    const char* object = refused.object ? refused.object : "";
    const char* role = GetUserNameFromId(GetSessionUserId(), true);
    log_event(refused.is_refused ? "statement_refused" : "statement_would_be_refused",
              {{"sqlstate", refused.sqlstate},
               {"object", object},
               {"reason", refused.reason},
               {"role", role ? role : ""}});
    count_violation({.kind = "statement",
                     .is_refused = refused.is_refused,
                     .sqlstate = refused.sqlstate,
                     .object = object,
                     .reason = refused.reason});
    if (const context::TenantContext* tenant = context::current())
        count_activity(tenant->tenant(), refused.is_refused ? Activity::statement_refused
                                                            : Activity::statement_would_be_refused);
}

void note_forged_context(const char* message) {
    // At the start of a connection nothing can be looked up yet, and the server ignores the setting.
    if (!IsTransactionState() || !OidIsValid(MyDatabaseId)) return;
    note_refused_statement({.is_refused = true,
                            .sqlstate = unpack_sql_state(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            .object = "tenant_guard.tenant_id",
                            .reason = message});
}

void note_refused_token(const RefusedToken& refused) {
    log_event("token_refused", {{"reason", refused.reason},
                                {"sqlstate", refused.sqlstate},
                                {"token_kid", refused.kid}});
    count_violation({.kind = "token",
                     .is_refused = true,
                     .sqlstate = refused.sqlstate,
                     .object = {},
                     .reason = refused.reason});
    count_activity(refused.tenant, Activity::token_refused);
}

}  // namespace tg::audit
