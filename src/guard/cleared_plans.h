// Plans of which everything was found to be allowed by the class of their relations alone, or in which a transaction that nobody
// guards passes by no row security. Most executions are of such a plan and differ in nothing that counts from the one before:
// then a few comparisons are the check. What is compared is all that a verdict depends on; whatever is not the same sends the
// execution through the whole check.
#pragma once

#include "context/tenant_context.h"
#include "enforcement/profile.h"
#include "guard/plan_freshness.h"
#include "guard/prepared_names.h"
#include "pg/compat.h"
#include "pg/verdict_basis.h"

extern "C" {
#include "access/parallel.h"
}

namespace tg::guard {

namespace state {
struct ClearedPlan {
    const List* entries = nullptr;  // the very list that was checked; a copy of the plan has another
    uint64 basis = 0;
    int count = 0;    // of the entries: who else has a planner hook may add to the list
    uint32 plan = 0;  // its number; another plan may be where this one was
    Oid user = InvalidOid;
    bool is_name_known = false;  // it was prepared in the protocol, and its name stands for what it stood for
};
// Each plan where it puts itself: those of tenants, and those of transactions that nobody guards.
using ClearedPlans = std::array<ClearedPlan, 16>;
inline ClearedPlans cleared_for_tenants;
inline ClearedPlans cleared_for_unguarded;

// The relations of a plan that starts and was let through; the server asks for its permissions next.
inline const List* let_through = nullptr;

// The plan that starts and was not.
inline const PlannedStmt* starting = nullptr;
}  // namespace state

// To be called when that was found of every relation of a plan that has some; `basis` is that of before the first question. Not of
// parallel plans: their text goes to workers, and is looked at each time.
inline void clear_plan(state::ClearedPlans& among, const PlannedStmt* planned, Oid user, uint64 basis, bool is_name_known) {
    const uint32 plan = number_of(planned);
    if (plan == 0 || planned->parallelModeNeeded || IsParallelWorker()) return;
    const List* entries = pg::access_entries(planned);
    among[plan % among.size()] = {entries, basis, entries->length, plan, user, is_name_known};
}

// Null if it is not.
inline const state::ClearedPlan* find_cleared(const state::ClearedPlans& among, const PlannedStmt* planned) {
    const uint32 plan = number_of(planned);
    const state::ClearedPlan& found = among[plan % among.size()];
    const List* entries = pg::access_entries(planned);
    // No basis is that of an empty place, and what is cleared has entries.
    const bool is_cleared = found.plan == plan && found.basis == pg::verdict_basis() && found.entries == entries &&
                            found.count == entries->length && found.user == GetUserId() && !InNoForceRLSOperation();
    return is_cleared ? &found : nullptr;
}

// In a transaction that has authenticated.
inline bool may_pass(const PlannedStmt* planned, const context::TenantContext& tenant) {
    if (context::is_expired(tenant) || context::authenticated_role() != GetOuterUserId()) return false;
    const state::ClearedPlan* cleared = find_cleared(state::cleared_for_tenants, planned);
    return cleared && (cleared->is_name_known || !is_running_by_name());
}

// In one that nobody guards.
inline bool may_pass_unguarded(const PlannedStmt* planned) {
    return !context::is_lost() && enforcement::is_last_answer_right() &&
           enforcement::state::last.guarding == enforcement::Guarding::none && find_cleared(state::cleared_for_unguarded, planned);
}

// Whether the check of this execution would find nothing.
inline bool may_pass(const PlannedStmt* planned) {
    if (enforcement::is_untrusted()) return false;
    const context::TenantContext* tenant = context::current();
    return tenant ? may_pass(planned, *tenant) : may_pass_unguarded(planned);
}

inline void let_through(const PlannedStmt* planned) { state::let_through = pg::access_entries(planned); }

// Of a plan that is checked as a whole when the server checks its permissions.
inline void note_starting(const PlannedStmt* planned) {
    state::let_through = nullptr;
    state::starting = planned;
}

// The plan that starts, if these are its relations.
inline const PlannedStmt* take_starting(const List* entries) {
    const PlannedStmt* planned = state::starting;
    state::starting = nullptr;
    return planned && pg::access_entries(planned) == entries ? planned : nullptr;
}

// Asked once, when the server is about to check the permissions of what was let through.
inline bool was_let_through(const List* entries) {
    const bool was = entries != NIL && entries == state::let_through;
    state::let_through = nullptr;
    return was;
}

void install_cleared_plans();

}  // namespace tg::guard
