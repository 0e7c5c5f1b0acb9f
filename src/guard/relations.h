// Which relations a guarded statement may touch. Asked when a statement is planned, so that EXPLAIN
// and PREPARE fail early, and at every execution, so that a plan made by another role, for another
// tenant or before a declaration changed cannot slip through.
#pragma once

#include "guard/foreign_key_query.h"
#include "pg/compat.h"
#include "policy/relation_class.h"

namespace tg::guard {

namespace state {
// While a worker takes up its part of a plan that its leader has checked. What functions in it go on to read, nobody has
// checked.
inline bool takes_up_leaders_plan = false;
}  // namespace state

// Whether what is planned or started now is the server's own, or was checked elsewhere.
inline bool is_server_query() { return state::takes_up_leaders_plan || is_foreign_key_query(); }

// Checks the relations of a plan that was made. Returns whether each is allowed by its class alone.
bool check_planned(List* entries);

// Checks one relation of a utility statement, to be accessed as `role` with these permissions.
void check_relation(Oid relation, Oid role, AclMode permissions);

// Checks the relations of a plan again, which were checked when it started.
void check_plan(const PlannedStmt* planned);

// What the guard would say, in a transaction that has authenticated, of one of the accesses of a
// statement. True if it would refuse it, in the words of refuse_access(). Vouchers and the exemption of
// owners, which are of the moment, do not count.
bool would_refuse_relation(const pg::RelationAccess& access, List* entries, policy::RelationClass& found_out);

// The executor's start in a parallel worker, which goes on with `next`: its part of a plan was checked by the
// leader.
void start_in_worker(QueryDesc* query, int flags, ExecutorStart_hook_type next);

void install_relations();

}  // namespace tg::guard
