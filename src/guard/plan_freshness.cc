// See the header.
#include "guard/plan_freshness.h"

extern "C" {
#include "utils/plancache.h"
}

namespace tg::guard {

using enforcement::Guarding;

void mark_unjudged(PlannedStmt* planned, bool lacks_conditions, uint64 roles) {
    const bool may_lack_conditions = lacks_conditions || state::last_number == max_number;
    mark(planned, may_lack_conditions ? 1 << lacking_bit : 0);
    if (state::roles_of_numbers == roles) return;
    state::roles_of_numbers = roles;
    state::first_number = state::last_number;
}

void make_plans_anew(Guarding guarding) {
    // The cache may have taken what was rewritten before a change for something newer.
    ResetPlanCache();
    if (guarding == Guarding::none) return;
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("roles were changed while the statement was being planned"),
                    errdetail("It may have been planned for other rights than its role has now."),
                    errhint("Run the transaction again.")));
}

}  // namespace tg::guard
