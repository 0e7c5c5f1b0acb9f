// See the header.
#include "enforcement/refusal.h"

#include "audit/refusals.h"

namespace tg::enforcement {

bool only_asking = false;
Refusal* refusal_wanted = nullptr;

void refuse(Guarding guarding, const Refusal& refusal) {
    if (only_asking) {
        *refusal_wanted = refusal;
        return;
    }
    const bool warns = guarding == Guarding::warn;
    audit::note_refused_statement({.is_refused = !warns,
                                   .sqlstate = unpack_sql_state(refusal.sqlstate),
                                   .object = refusal.object,
                                   .reason = refusal.message});
    if (warns) return;
    ereport(ERROR, (errcode(refusal.sqlstate), errmsg("%s", refusal.message),
                    refusal.detail ? errdetail("%s", refusal.detail) : 0,
                    refusal.hint ? errhint("%s", refusal.hint) : 0));
}

}  // namespace tg::enforcement
