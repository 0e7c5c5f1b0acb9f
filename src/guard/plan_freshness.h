// Whether a plan has the row security of this moment in it. The server decides that row security applies
// when it rewrites a query, by the attributes of roles (BYPASSRLS, SUPERUSER, memberships), and those
// change without a lock that would wait for anybody: a query that was rewritten for a role with BYPASSRLS
// and judged by the guard after ALTER ROLE ... NOBYPASSRLS would be taken for an isolated one, and show
// every tenant's rows.
#pragma once

#include "enforcement/mode.h"
#include "pg/compat.h"

extern "C" {
#include "jit/jit.h"
}

namespace tg::guard {

// A plan has no place for what an extension knows of it. What is copied with it wherever it goes, and has room, are the flags
// of the JIT: above them there is whether the plan was judged, whether it may lack conditions, and its number.
constexpr int judged_bit = 5;
constexpr int lacking_bit = judged_bit + 1;
constexpr int number_bit = judged_bit + 2;
static_assert(PGJIT_DEFORM < 1 << judged_bit);

inline bool is_judged(const PlannedStmt* planned) { return (planned->jitFlags & (1 << judged_bit)) != 0; }

// Which no other plan of this session has, but copies of it; 0 if the plan has none.
inline uint32 number_of(const PlannedStmt* planned) { return static_cast<uint32>(planned->jitFlags) >> number_bit; }

// A session that comes to the end of the numbers goes on without: each execution is checked as a whole.
constexpr uint32 max_number = PG_UINT32_MAX >> number_bit;

namespace state {
inline uint32 last_number = 0;
// The count of role changes when the last plan was numbered that was not judged, and the first such number since it is that.
inline uint64 roles_of_numbers = 0;
inline uint32 first_number = 0;
inline uint64 roles_at_start = 0;
inline bool is_started_plan_judged = false;
}  // namespace state

inline void mark(PlannedStmt* planned, int marks) {
    const uint32 number = state::last_number < max_number ? ++state::last_number : 0;
    const int flags = planned->jitFlags & ((1 << judged_bit) - 1);
    planned->jitFlags = flags | marks | static_cast<int>(number << number_bit);
}

// A plan that the guard has let through, or would have refused.
inline void mark_judged(PlannedStmt* planned) { mark(planned, 1 << judged_bit); }

// One that the guard was not asked about. It may lack the conditions of an isolated relation: it was rewritten for what its
// role was. So may every one without a number. `roles` is the count of role changes when its planning began.
void mark_unjudged(PlannedStmt* planned, bool lacks_conditions, uint64 roles);

// `roles` is the count of role changes before anything of the start could take in what others have done.
inline void note_start(const PlannedStmt* planned, uint64 roles) {
    state::roles_at_start = roles;
    state::is_started_plan_judged = is_judged(planned);
}

// Has the cached plans made anew, so that whoever tries again gets one for what is now, and raises an error where the
// statement is guarded.
void make_plans_anew(enforcement::Guarding guarding);

// Whether a plan that was not judged when it was made may be for other rights than its role has now. The server makes cached
// plans anew when roles change, but a function in SQL keeps its plans for as long as the statement runs that calls it.
// Not known of plans that a neighbour made without asking us.
inline bool is_outlived(const PlannedStmt* planned) {
    if (is_judged(planned)) return false;
    const uint32 number = number_of(planned);
    const bool is_older = number < state::first_number || state::roles_of_numbers != enforcement::role_changes();
    return (planned->jitFlags & (1 << lacking_bit)) != 0 || (number != 0 && is_older);
}

// To be called for a plan that starts, when the guard has judged it again: one that was not judged when it was made may have
// no row security in it.
inline void check_started_plan(enforcement::Guarding guarding) {
    if (enforcement::role_changes() != state::roles_at_start && !state::is_started_plan_judged)
        make_plans_anew(guarding);
}

}  // namespace tg::guard
