// See the header. The definition is compared as a parsed tree, as isolation policies are.
#include "policy/secure_view.h"

#include "catalog/installation.h"
#include "pg/function.h"
#include "policy/isolation_qual.h"
#include "policy/relation_class.h"

extern "C" {
#include "access/relation.h"
#include "nodes/makefuncs.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteManip.h"
}

namespace tg::policy {

namespace {

struct DeclaredView {
    Oid view;
    NameData tenant_column;
};

bool read_declared(Oid relation, DeclaredView& out) {
    const catalog::Installation& at = catalog::installation();
    if (!OidIsValid(at.secure_views)) return false;
    Relation table = table_open(at.secure_views, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(table, at.secure_views_index, true, nullptr, 1, &key);
    const HeapTuple tuple = systable_getnext(scan);
    const bool found = HeapTupleIsValid(tuple);
    if (found) {
        bool is_null = false;
        out.view = DatumGetObjectId(heap_getattr(tuple, 2, RelationGetDescr(table), &is_null));
        namestrcpy(&out.tenant_column, NameStr(*DatumGetName(heap_getattr(tuple, 3, RelationGetDescr(table), &is_null))));
    }
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return found;
}

// The query of the view if it is a plain one: no part that could bring in other rows or compute anything.
const Query* plain_query(Relation view) {
    if (view->rd_rel->relkind != RELKIND_VIEW || !view->rd_rules) return nullptr;
    const Query* query = nullptr;
    for (int i = 0; i < view->rd_rules->numLocks; i++) {
        const RewriteRule* rule = view->rd_rules->rules[i];
        if (rule->event == CMD_SELECT) query = linitial_node(Query, rule->actions);
    }
    if (!query || query->commandType != CMD_SELECT) return nullptr;
    if (query->hasSubLinks || query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs || query->hasForUpdate ||
        query->cteList || query->setOperations || query->groupClause || query->groupingSets || query->havingQual ||
        query->distinctClause || query->sortClause || query->limitOffset || query->limitCount || query->rowMarks)
        return nullptr;
    return list_length(query->jointree->fromlist) == 1 ? query : nullptr;
}

bool shows_columns_only(const Query* query, int from) {
    ListCell* cell;
    foreach (cell, query->targetList) {
        const auto* target = lfirst_node(TargetEntry, cell);
        if (!IsA(target->expr, Var)) return false;
        const auto* column = reinterpret_cast<const Var*>(target->expr);
        if (column->varno != from || column->varlevelsup != 0) return false;
    }
    return true;
}

bool is_intact(Relation view, Relation relation, const Declaration& declared) {
    if (view->rd_rel->relowner != relation->rd_rel->relowner) return false;
    if (!RelationIsSecurityView(view) || RelationHasSecurityInvoker(view)) return false;
    const Query* query = plain_query(view);
    if (!query) return false;
    const Node* from = static_cast<const Node*>(linitial(query->jointree->fromlist));
    if (!IsA(from, RangeTblRef)) return false;
    const int index = reinterpret_cast<const RangeTblRef*>(from)->rtindex;
    const auto* entry = static_cast<const RangeTblEntry*>(list_nth(query->rtable, index - 1));
    if (entry->rtekind != RTE_RELATION || entry->relid != RelationGetRelid(relation) || entry->tablesample) return false;
    if (!shows_columns_only(query, index)) return false;
    auto* condition = static_cast<Node*>(copyObjectImpl(query->jointree->quals));
    ChangeVarNodes(condition, index, 1, 0);
    return is_isolation_condition(relation, declared, condition);
}

}  // namespace

Oid secure_view_of(Oid relation_oid) {
    DeclaredView declared_view;
    if (!read_declared(relation_oid, declared_view)) return InvalidOid;
    Relation view = try_relation_open(declared_view.view, AccessShareLock);
    if (!view) return InvalidOid;
    Relation relation = relation_open(relation_oid, AccessShareLock);
    Declaration declared{};
    declared.tenant_column = declared_view.tenant_column;
    const bool trusted = is_intact(view, relation, declared);
    relation_close(relation, AccessShareLock);
    relation_close(view, AccessShareLock);
    return trusted ? declared_view.view : InvalidOid;
}

}  // namespace tg::policy

TG_FUNCTION(tenant_guard_secure_view_of) {
    const Oid view = tg::policy::secure_view_of(PG_GETARG_OID(0));
    if (!OidIsValid(view)) PG_RETURN_NULL();
    PG_RETURN_OID(view);
}
