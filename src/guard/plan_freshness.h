// Whether a plan has the row security of this moment in it. The server decides that row security applies
// when it rewrites a query, by the attributes of roles (BYPASSRLS, SUPERUSER, memberships), and those
// change without a lock that would wait for anybody: a query that was rewritten for a role with BYPASSRLS
// and judged by the guard after ALTER ROLE ... NOBYPASSRLS would be taken for an isolated one, and show
// every tenant's rows.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::guard {

// What is known when the planner is called.
struct Planning {
    uint64 roles;         // the count of role changes
    List* unconditioned;  // what the query reads or changes without conditions of row security
};

Planning begin_planning(const Query* query);

// To be called when the guard has judged the plan. If roles changed in between, which matters for
// functions that were inlined, or if an isolated relation has no conditions: has the cached plans made
// anew, so that whoever tries again gets one for what is now, and raises an error where the statement is
// guarded. A plan that the guard would have refused (Guarding::refuse) is marked as judged.
void end_planning(const Planning& planning, enforcement::Guarding guarding, PlannedStmt* planned);

// The same for a plan that starts, when the guard has judged it again: one that was not judged when it
// was made may have no row security in it.
void check_started_plan(enforcement::Guarding guarding);

void install_plan_freshness();

}  // namespace tg::guard
