// Policies that ask whether there is anybody at all: EXISTS (SELECT FROM admins WHERE is_active) is true for every row
// and every session as soon as there is one. Asked of the tree, since the printed text does not tell whose columns it names.
#include "pg/compat.h"
#include "pg/function.h"

extern "C" {
#include "catalog/pg_proc.h"
#include "utils/fmgroids.h"
}

namespace {

using namespace tg;

struct Search {
    unsigned depth;  // of queries around the node, the policy's condition aside
    bool is_bound;
};

bool asks_for_session(const FuncExpr* call) {
    if (call->funcid == F_CURRENT_SETTING_TEXT || call->funcid == F_CURRENT_SETTING_TEXT_BOOL) return true;
    return get_func_namespace(call->funcid) != PG_CATALOG_NAMESPACE &&
           func_volatile(call->funcid) != PROVOLATILE_IMMUTABLE;
}

bool names_role(const SQLValueFunction* value) {
    switch (value->op) {
        case SVFOP_CURRENT_ROLE:
        case SVFOP_CURRENT_USER:
        case SVFOP_USER:
        case SVFOP_SESSION_USER:
            return true;
        default:
            return false;
    }
}

// Looks for what ties a subquery to the row or to the session.
bool find_binding(Node* node, void* context) {
    if (!node) return false;
    auto* search = static_cast<Search*>(context);
    if (IsA(node, Query)) {
        search->depth++;
        query_tree_walker(reinterpret_cast<Query*>(node), pg::tree_walker(find_binding), context, 0);
        search->depth--;
        return search->is_bound;
    }
    if (IsA(node, Var) && reinterpret_cast<const Var*>(node)->varlevelsup >= search->depth) search->is_bound = true;
    if (IsA(node, FuncExpr) && asks_for_session(reinterpret_cast<const FuncExpr*>(node))) search->is_bound = true;
    if (IsA(node, SQLValueFunction) && names_role(reinterpret_cast<const SQLValueFunction*>(node)))
        search->is_bound = true;
    if (search->is_bound) return true;
    return expression_tree_walker(node, pg::tree_walker(find_binding), context);
}

bool find_unbound(Node* node, void* context) {
    if (!node) return false;
    if (IsA(node, SubLink) && reinterpret_cast<const SubLink*>(node)->subLinkType == EXISTS_SUBLINK) {
        Search search{.depth = 0, .is_bound = false};
        find_binding(reinterpret_cast<const SubLink*>(node)->subselect, &search);
        return !search.is_bound;
    }
    return expression_tree_walker(node, pg::tree_walker(find_unbound), context);
}

}  // namespace

TG_FUNCTION(tenant_guard_has_unbound_subquery) {
    auto* condition = static_cast<Node*>(stringToNode(TextDatumGetCString(PG_GETARG_DATUM(0))));
    PG_RETURN_BOOL(find_unbound(condition, nullptr));
}
