// See the header.
#include "guard/plan_freshness.h"

#include "guard/foreign_key_query.h"
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

post_parse_analyze_hook_type next_analyze = nullptr;

// When the client sent what was analyzed last.
TimestampTz analyzed_at = 0;

uint32 last_number = 0;

void mark_as_judged(PlannedStmt* planned) {
    PlanInvalItem* item = makeNode(PlanInvalItem);
    item->cacheId = AUTHOID;
    item->hashValue = last_number < PG_UINT32_MAX ? ++last_number : 0;
    planned->invalItems = lappend(planned->invalItems, item);
}

// Collects the relations that are read or changed without conditions that the rewriter has added. The
// target of an INSERT has checks instead.
void collect(const Query* query, Unconditioned& found);

void add(const pg::RelationAccess& access, Unconditioned& found) {
    if (found.count < static_cast<int>(found.first.size())) {
        found.first[static_cast<std::size_t>(found.count++)] = access;
        return;
    }
    auto* kept = static_cast<pg::RelationAccess*>(palloc(sizeof access));
    *kept = access;
    found.others = lappend(found.others, kept);
}

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
        add(access, found);
    }
    foreach (cell, query->cteList)
        collect(reinterpret_cast<const Query*>(lfirst_node(CommonTableExpr, cell)->ctequery), found);
    if (query->hasSubLinks)
        query_tree_walker(const_cast<Query*>(query), pg::tree_walker(collect_in_expression), &found,
                          QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES);
}

bool is_isolated(const pg::RelationAccess& access) {
    return policy::classify(access.relation, access.role) == policy::RelationClass::isolated &&
           !is_unforced_on_owner(access.relation, access.role);
}

bool holds_isolated(const Unconditioned& found) {
    for (int i = 0; i < found.count; i++)
        if (is_isolated(found.first[static_cast<std::size_t>(i)])) return true;
    ListCell* cell;
    foreach (cell, found.others)
        if (is_isolated(*static_cast<const pg::RelationAccess*>(lfirst(cell)))) return true;
    return false;
}

void analyze(ParseState* state, Query* query, JumbleState* jumble) {
    if (next_analyze) next_analyze(state, query, jumble);
    // What changed before this statement is no reason to refuse it: the rewriter, which is next, shall know.
    if (!IsTransactionState()) return;
    AcceptInvalidationMessages();
    analyzed_at = GetCurrentStatementStartTimestamp();
}

}  // namespace

void make_plans_anew(Guarding guarding) {
    // The cache may have taken what was rewritten before a change for something newer.
    ResetPlanCache();
    if (guarding == Guarding::none) return;
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("roles were changed while the statement was being planned"),
                    errdetail("It may have been planned for other rights than its role has now."),
                    errhint("Run the transaction again.")));
}

void begin_planning(const Query* query, Planning& out) {
    // Between analysis and planning in one message of the client nothing was waited for.
    if (analyzed_at != GetCurrentStatementStartTimestamp()) AcceptInvalidationMessages();
    out.roles = role_changes();
    out.unconditioned.count = 0;
    out.unconditioned.others = NIL;
    collect(query, out.unconditioned);
}

void end_planning(const Planning& planning, Guarding guarding, PlannedStmt* planned) {
    const bool is_up_to_date = role_changes() == planning.roles &&
                               (guarding == Guarding::none || !holds_isolated(planning.unconditioned));
    if (!is_up_to_date) make_plans_anew(guarding);
    if (guarding == Guarding::refuse) mark_as_judged(planned);
}

void install_plan_freshness() {
    next_analyze = post_parse_analyze_hook;
    post_parse_analyze_hook = analyze;
}

}  // namespace tg::guard
