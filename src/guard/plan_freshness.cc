// See the header.
#include "guard/plan_freshness.h"

#include "pg/compat.h"
#include "policy/relation_class.h"

extern "C" {
#include "executor/executor.h"
#include "parser/analyze.h"
#include "nodes/nodeFuncs.h"
#include "utils/plancache.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::role_changes;

// The count of role changes when the last plan was started, before anything of its start could take in
// what others have done.
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

// Collects the relations that are read or changed without conditions that the rewriter has added. The
// target of an INSERT has checks instead.
struct Unconditioned {
    List* accesses;  // of pg::RelationAccess*
};

void collect(const Query* query, Unconditioned& found);

bool collect_in_expression(Node* node, void* found) {
    if (!node) return false;
    if (!IsA(node, Query))
        return expression_tree_walker(node, pg::tree_walker(collect_in_expression), found);
    collect(reinterpret_cast<const Query*>(node), *static_cast<Unconditioned*>(found));
    return false;
}

void collect(const Query* query, Unconditioned& found) {
    int index = 0;
    ListCell* cell;
    foreach (cell, query->rtable) {
        const auto* entry = lfirst_node(RangeTblEntry, cell);
        index++;
        if (entry->rtekind == RTE_SUBQUERY) collect(entry->subquery, found);
        if (entry->rtekind != RTE_RELATION || entry->securityQuals != NIL) continue;
        // EXCLUDED of an upsert: the form of the target, and none of its rows.
        if (entry->relkind == RELKIND_COMPOSITE_TYPE) continue;
        if (index == query->resultRelation && query->withCheckOptions != NIL) continue;
        pg::RelationAccess access;
        if (!pg::read_access(query, entry, access)) continue;
        auto* kept = static_cast<pg::RelationAccess*>(palloc(sizeof access));
        *kept = access;
        found.accesses = lappend(found.accesses, kept);
    }
    foreach (cell, query->cteList)
        collect(reinterpret_cast<const Query*>(lfirst_node(CommonTableExpr, cell)->ctequery), found);
    if (query->hasSubLinks)
        query_tree_walker(const_cast<Query*>(query), pg::tree_walker(collect_in_expression), &found,
                          QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES);
}

bool holds_isolated(List* accesses) {
    ListCell* cell;
    foreach (cell, accesses) {
        const auto* access = static_cast<const pg::RelationAccess*>(lfirst(cell));
        if (policy::classify(access->relation, access->role) == policy::RelationClass::isolated)
            return true;
    }
    return false;
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

void analyze(ParseState* state, Query* query, JumbleState* jumble) {
    if (next_analyze) next_analyze(state, query, jumble);
    // What changed before this statement is no reason to refuse it: the rewriter, which is next, shall know.
    if (IsTransactionState()) AcceptInvalidationMessages();
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

Planning begin_planning(const Query* query) {
    AcceptInvalidationMessages();
    Unconditioned found{};
    collect(query, found);
    return {role_changes(), found.accesses};
}

void end_planning(const Planning& planning, Guarding guarding, PlannedStmt* planned) {
    const bool is_up_to_date = role_changes() == planning.roles &&
                               (guarding == Guarding::none || !holds_isolated(planning.unconditioned));
    if (!is_up_to_date) make_plans_anew(guarding);
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
