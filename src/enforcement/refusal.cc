// See the header.
#include "enforcement/refusal.h"

#include "audit/event.h"

namespace tg::enforcement {

void refuse(Guarding guarding, const Refusal& refusal) {
    const bool warns = guarding == Guarding::warn;
    const char* role = GetUserNameFromId(GetSessionUserId(), true);
    audit::log_event(warns ? "statement_would_be_refused" : "statement_refused",
                     {{"sqlstate", unpack_sql_state(refusal.sqlstate)},
                      {"object", refusal.object ? refusal.object : ""},
                      {"reason", refusal.message},
                      {"role", role ? role : ""}});
    if (warns) return;
    ereport(ERROR, (errcode(refusal.sqlstate), errmsg("%s", refusal.message),
                    refusal.detail ? errdetail("%s", refusal.detail) : 0,
                    refusal.hint ? errhint("%s", refusal.hint) : 0));
}

}  // namespace tg::enforcement
