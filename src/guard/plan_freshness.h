// Whether a plan has the row security of this moment in it. The server decides that row security applies
// when it rewrites a query, by the attributes of roles (BYPASSRLS, SUPERUSER, memberships), and those
// change without a lock that would wait for anybody: a query that was rewritten for a role with BYPASSRLS
// and judged by the guard after ALTER ROLE ... NOBYPASSRLS would be taken for an isolated one, and show
// every tenant's rows.
#pragma once

#include "enforcement/mode.h"
#include "pg/compat.h"

namespace tg::guard {

// Relations that a query reads or changes without conditions of row security. Most queries have few.
struct Unconditioned {
    int count;
    std::array<pg::RelationAccess, 4> first;
    List* others;  // of pg::RelationAccess*
};

// What is known when the planner is called.
struct Planning {
    uint64 roles;  // the count of role changes
    Unconditioned unconditioned;
};

void begin_planning(const Query* query, Planning& out);

// To be called when the guard has judged the plan. If roles changed in between, which matters for
// functions that were inlined, or if an isolated relation has no conditions: has the cached plans made
// anew, so that whoever tries again gets one for what is now, and raises an error where the statement is
// guarded. A plan that the guard would have refused (Guarding::refuse) is marked as judged.
void end_planning(const Planning& planning, enforcement::Guarding guarding, PlannedStmt* planned);

// A judged plan depends, last of all, on a role that does not exist, whose hash is the plan's number; the
// plan cache does not look at such items.
inline const PlanInvalItem* mark_of(const PlannedStmt* planned) {
    if (planned->invalItems == NIL) return nullptr;
    const auto* item = static_cast<const PlanInvalItem*>(llast(planned->invalItems));
    return item->cacheId == AUTHOID ? item : nullptr;
}

namespace state {
inline uint64 roles_at_start = 0;
inline bool is_started_plan_judged = false;
}  // namespace state

// To be called before anything of the start can take in what others have done. Returns the number of a
// judged plan, which no other plan of this session has; 0 if it has none.
inline uint32 note_start(const PlannedStmt* planned) {
    const PlanInvalItem* mark = mark_of(planned);
    state::roles_at_start = enforcement::role_changes();
    state::is_started_plan_judged = mark != nullptr;
    return mark ? mark->hashValue : 0;
}

void make_plans_anew(enforcement::Guarding guarding);

// The same for a plan that starts, when the guard has judged it again: one that was not judged when it
// was made may have no row security in it.
inline void check_started_plan(enforcement::Guarding guarding) {
    if (enforcement::role_changes() != state::roles_at_start && !state::is_started_plan_judged)
        make_plans_anew(guarding);
}

void install_plan_freshness();

}  // namespace tg::guard
