// See the header. The planner is called with the query as it was rewritten, and what it returns has in one flat list also what
// inlining added.
#include "guard/planning.h"

#include "enforcement/mode.h"
#include "enforcement/profile.h"
#include "enforcement/refusal.h"
#include "guard/cleared_plans.h"
#include "guard/expiry.h"
#include "guard/plain_access.h"
#include "guard/plan_freshness.h"
#include "guard/relations.h"
#include "guard/untrusted_execution.h"
#include "guard/vouchers.h"
#include "pg/compat.h"
#include "pg/foreign_changes.h"
#include "pg/verdict_basis.h"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::role_changes;

planner_hook_type next_planner = nullptr;

// A relation, and the role as which it is read.
struct ReadAs {
    Oid relation;
    Oid role;
};

// Relations that a query reads or changes without conditions of row security. Most queries have few.
struct Unconditioned {
    std::size_t count;
    std::array<ReadAs, 4> first;
    List* others;  // of ReadAs*
};

// Collects the relations that are read or changed without conditions that the rewriter has added. The
// target of an INSERT has checks instead.
void collect(const Query* query, Unconditioned& found);

pg_noinline void add_other(ReadAs access, Unconditioned& found) {
    auto* kept = static_cast<ReadAs*>(palloc(sizeof access));
    *kept = access;
    found.others = lappend(found.others, kept);
}

void add(ReadAs access, Unconditioned& found) {
    if (found.count == found.first.size()) return add_other(access, found);
    found.first[found.count++] = access;
}

bool collect_in_expression(Node* node, void* found) {
    if (!node) return false;
    if (!IsA(node, Query))
        return expression_tree_walker(node, pg::tree_walker(collect_in_expression), found);
    collect(reinterpret_cast<const Query*>(node), *static_cast<Unconditioned*>(found));
    return false;
}

// Below the range table.
pg_noinline void collect_deeper(const Query* query, Unconditioned& found) {
    ListCell* cell;
    foreach (cell, query->cteList)
        collect(reinterpret_cast<const Query*>(lfirst_node(CommonTableExpr, cell)->ctequery), found);
    if (query->hasSubLinks)
        query_tree_walker(const_cast<Query*>(query), pg::tree_walker(collect_in_expression), &found,
                          QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES);
}

pg_attribute_always_inline void collect_in(const Query* query, Oid user, Unconditioned& found) {
    const int count = list_length(query->rtable);
    for (int i = 0; i < count; i++) {
        const auto* entry = list_nth_node(RangeTblEntry, query->rtable, i);
        if (entry->rtekind == RTE_SUBQUERY) collect(entry->subquery, found);
        if (entry->rtekind != RTE_RELATION || entry->securityQuals != NIL) continue;
        // EXCLUDED of an upsert: the form of the target, and none of its rows.
        if (entry->relkind == RELKIND_COMPOSITE_TYPE) continue;
        if (i + 1 == query->resultRelation && query->withCheckOptions != NIL) continue;
        pg::RelationAccess access;
        if (pg::read_access(query, entry, user, access)) add({access.relation, access.role}, found);
    }
    if (query->cteList != NIL || query->hasSubLinks) collect_deeper(query, found);
}

void collect(const Query* query, Unconditioned& found) { collect_in(query, GetUserId(), found); }

pg_attribute_always_inline bool is_isolated(ReadAs access) {
    return policy::classify(access.relation, access.role) == policy::RelationClass::isolated &&
           !is_unforced_on_owner(access.relation, access.role);
}

bool holds_isolated(const Unconditioned& found) {
    for (std::size_t i = 0; i < found.count; i++)
        if (is_isolated(found.first[i])) return true;
    if (found.count < found.first.size()) return false;
    ListCell* cell;
    foreach (cell, found.others)
        if (is_isolated(*static_cast<const ReadAs*>(lfirst(cell)))) return true;
    return false;
}

// Rows read before the token was verified and rows read after it would be in one result.
void refuse_reading_authentication(const PlannedStmt* planned) {
    if (planned->invalItems == NIL || !calls_authenticate(planned) || !pg::reads_relations(planned)) return;
    enforcement::refuse(Guarding::refuse,
                        {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                         .message = "a statement that authenticates cannot read relations",
                         .detail = "It calls tenant_guard.authenticate() and names a relation.",
                         .hint = "Call tenant_guard.authenticate(jwt) in a statement of its own.",
                         .object = "tenant_guard.authenticate"});
}

// If roles changed since the planner was called, which matters for functions that were inlined, or if an isolated relation has
// no conditions, the plan is not for what is now.
void check_freshness(uint64 roles, bool lacks_conditions, Guarding guarding) {
    if (role_changes() != roles || (guarding != Guarding::none && lacks_conditions)) make_plans_anew(guarding);
}

PlannedStmt* plan(Query* query, const char* text, int cursor_options, ParamListInfo parameters) {
    if (enforcement::is_untrusted()) bound_planning();
    if (must_stay_in_process()) cursor_options &= ~CURSOR_OPT_PARALLEL_OK;
    pg::take_in_foreign_changes();
    const uint64 roles = role_changes();
    const Oid user = GetUserId();
    const bool is_unforced_on_owners = InNoForceRLSOperation();
    Unconditioned unconditioned;
    unconditioned.count = 0;
    unconditioned.others = NIL;
    collect_in(query, user, unconditioned);
    PlannedStmt* planned = next_planner(query, text, cursor_options, parameters);

    List* entries = pg::access_entries(planned);
    if (entries == NIL || (is_unforced_on_owners && is_foreign_key_query()) || state::takes_up_leaders_plan) return planned;
    const uint64 basis = pg::verdict_basis();
    const Guarding mode = enforcement::guarding_as_known();
    // Most plans are of the relation that was asked for last, and which is not an isolated one or has its conditions.
    const bool are_known = mode == Guarding::refuse && is_class_enough(is_unforced_on_owners) &&
                           are_known_to_be_allowed(entries, user);
    bool are_allowed = are_known;
    // Under `warn` the execution that follows says it, and once is enough.
    if (mode == Guarding::refuse && !are_known) are_allowed = check_planned(entries);
    refuse_reading_authentication(planned);
    const bool may_hold_isolated = !are_known || policy::state::last.relation_class == policy::RelationClass::isolated;
    const bool lacks_conditions = may_hold_isolated && holds_isolated(unconditioned);
    check_freshness(roles, lacks_conditions, mode);
    if (mode == Guarding::refuse)
        mark_judged(planned);
    else
        mark_unjudged(planned, lacks_conditions, roles);
    if (are_allowed) clear_plan(state::cleared_for_tenants, planned, user, basis, false);
    return planned;
}

}  // namespace

void install_planning() {
    next_planner = planner_hook ? planner_hook : standard_planner;
    planner_hook = plan;
}

}  // namespace tg::guard
