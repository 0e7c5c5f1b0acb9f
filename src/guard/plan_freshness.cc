// See the header.
#include "guard/plan_freshness.h"

#include "pg/compat.h"
#include "policy/relation_class.h"

extern "C" {
#include "executor/executor.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "utils/plancache.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::role_changes;

// The count of role changes when the last query was analyzed, which is before it was rewritten; and when
// the last plan was started, before anything of its start could take in what others have done.
uint64 at_analysis = 0;
uint64 at_start = 0;
bool is_started_plan_judged = false;

post_parse_analyze_hook_type next_analyze = nullptr;
ExecutorStart_hook_type next_start = nullptr;

// A judged plan depends on a role that does not exist; the plan cache does not look at such items.
bool is_judged(const PlannedStmt* planned) {
    ListCell* cell;
    foreach (cell, planned->invalItems)
        if (static_cast<const PlanInvalItem*>(lfirst(cell))->cacheId == AUTHOID) return true;
    return false;
}

void mark_as_judged(PlannedStmt* planned) {
    PlanInvalItem* item = makeNode(PlanInvalItem);
    item->cacheId = AUTHOID;
    planned->invalItems = lappend(planned->invalItems, item);
}

// Whether a relation with row security is in the query without the conditions that the rewriter adds.
bool lacks_row_security(Node* node, void* unused) {
    if (!node) return false;
    if (!IsA(node, Query))
        return expression_tree_walker(node, pg::tree_walker(lacks_row_security), unused);
    auto* query = reinterpret_cast<Query*>(node);
    for (int index = 1; index <= list_length(query->rtable); index++) {
        const auto* entry = rt_fetch(index, query->rtable);
        if (entry->rtekind != RTE_RELATION || entry->securityQuals != NIL) continue;
        const bool is_checked_target =
            index == query->resultRelation && query->withCheckOptions != NIL;
        if (!is_checked_target && policy::has_row_security(entry->relid)) return true;
    }
    return query_tree_walker(query, pg::tree_walker(lacks_row_security), unused, 0);
}

void make_plans_anew(Guarding guarding) {
    // The cache may have taken what was rewritten before the change for something newer.
    ResetPlanCache();
    if (guarding == Guarding::none) return;
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("roles were changed while the statement was being planned"),
                    errdetail("It may have been planned for other rights than its role has now."),
                    errhint("Run the transaction again.")));
}

void analyze(ParseState* state, Query* query, JumbleState* jumble) {
    if (next_analyze) next_analyze(state, query, jumble);
    // What changed before this statement is no reason to refuse it: the rewriter shall know.
    if (IsTransactionState()) AcceptInvalidationMessages();
    at_analysis = role_changes();
}

void start(QueryDesc* query, int flags) {
    at_start = role_changes();
    is_started_plan_judged = is_judged(query->plannedstmt);
    if (next_start)
        next_start(query, flags);
    else
        standard_ExecutorStart(query, flags);
}

}  // namespace

Planning begin_planning(Query* query) {
    const uint64 analyzed = at_analysis;
    AcceptInvalidationMessages();
    const bool is_up_to_date = role_changes() == analyzed ||
                               !lacks_row_security(reinterpret_cast<Node*>(query), nullptr);
    return {role_changes(), is_up_to_date};
}

void end_planning(const Planning& planning, Guarding guarding, PlannedStmt* planned) {
    if (!planning.is_up_to_date || role_changes() != planning.roles) make_plans_anew(guarding);
    if (guarding == Guarding::refuse) mark_as_judged(planned);
}

void check_started_plan(Guarding guarding) {
    if (!is_started_plan_judged && role_changes() != at_start) make_plans_anew(guarding);
}

void install_plan_freshness() {
    next_analyze = post_parse_analyze_hook;
    post_parse_analyze_hook = analyze;
    next_start = ExecutorStart_hook;
    ExecutorStart_hook = start;
}

}  // namespace tg::guard
