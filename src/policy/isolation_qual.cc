// See the header. The condition is built by the server's own parser from qualified names, just as
// CREATE POLICY builds it: equal() can then tell whether a policy still says the same, and no
// search_path of a client takes part.
#include "policy/isolation_qual.h"

#include "catalog/installation.h"
#include "pg/function.h"
#include "pg/text.h"
#include "policy/relation_class.h"

extern "C" {
#include "catalog/pg_policy.h"
#include "nodes/makefuncs.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_relation.h"
#include "rewrite/rowsecurity.h"
#include "utils/array.h"
}

namespace tg::policy {

namespace {

row_security_policy_hook_type next_restrictive_hook = nullptr;

// The reader of the context in the column's type; null where protect() refuses the type.
const char* tenant_function(Oid type) {
    switch (type) {
        case UUIDOID:
            return "tenant_id_uuid";
        case TEXTOID:
        case VARCHAROID:
            return "tenant_id";
        case INT8OID:
            return "tenant_id_bigint";
        case INT4OID:
            return "tenant_id_int";
        default:
            return nullptr;
    }
}

// A condition that is false for every row, for a protected relation whose column is gone.
Expr* deny_all() { return reinterpret_cast<Expr*>(makeBoolConst(false, false)); }

Expr* build_qual(Relation relation, const char* column) {
    const AttrNumber number = get_attnum(RelationGetRelid(relation), column);
    if (number == InvalidAttrNumber) return deny_all();
    const char* function = tenant_function(getBaseType(get_atttype(RelationGetRelid(relation), number)));
    if (!function) return deny_all();

    auto* reference = makeNode(ColumnRef);
    reference->fields = list_make1(makeString(pstrdup(column)));
    reference->location = -1;
    char* schema = get_namespace_name(catalog::installation().schema);
    FuncCall* call = makeFuncCall(list_make2(makeString(schema), makeString(pstrdup(function))), NIL,
                                  COERCE_EXPLICIT_CALL, -1);
    List* equals = list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("=")));
    A_Expr* comparison = makeA_Expr(AEXPR_OP, equals, reinterpret_cast<Node*>(reference),
                                    reinterpret_cast<Node*>(call), -1);

    ParseState* state = make_parsestate(nullptr);
    ParseNamespaceItem* item =
        addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, false);
    addNSItemToQuery(state, item, false, true, true);
    Node* qual = transformWhereClause(state, reinterpret_cast<Node*>(comparison), EXPR_KIND_POLICY,
                                      "POLICY");
    assign_expr_collations(state, qual);
    free_parsestate(state);
    return reinterpret_cast<Expr*>(qual);
}

bool is_for_public(const ArrayType* roles) {
    return ARR_NDIM(roles) == 1 && ARR_DIMS(roles)[0] == 1 &&
           reinterpret_cast<const Oid*>(ARR_DATA_PTR(roles))[0] == ACL_ID_PUBLIC;
}

RowSecurityPolicy* make_policy(Expr* qual) {
    auto* policy = static_cast<RowSecurityPolicy*>(palloc0(sizeof(RowSecurityPolicy)));
    Datum everybody = ObjectIdGetDatum(ACL_ID_PUBLIC);
    policy->policy_name = pg::cstring_of(isolation_policy_name);
    policy->polcmd = '*';
    policy->roles = construct_array(&everybody, 1, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
    policy->permissive = false;
    policy->qual = qual;
    policy->with_check_qual = static_cast<Expr*>(copyObjectImpl(qual));
    return policy;
}

List* add_floor(CmdType command, Relation relation) {
    List* policies = next_restrictive_hook ? next_restrictive_hook(command, relation) : NIL;
    const catalog::Installation& at = catalog::installation();
    if (at.state != catalog::InstallationState::ready) return policies;
    if (has_isolation_policy(relation)) return policies;
    const Declaration declaration = read_declaration(RelationGetRelid(relation));
    if (!declaration.is_protected) return policies;
    return lappend(policies, make_policy(build_qual(relation, NameStr(declaration.tenant_column))));
}

}  // namespace

bool is_isolation_policy_intact(Relation relation, const char* tenant_column) {
    if (!relation->rd_rsdesc) return false;
    ListCell* cell;
    foreach (cell, relation->rd_rsdesc->policies) {
        const auto* policy = static_cast<const RowSecurityPolicy*>(lfirst(cell));
        if (!policy->policy_name || isolation_policy_name != policy->policy_name) continue;
        if (policy->permissive || policy->polcmd != '*' || !is_for_public(policy->roles)) return false;
        const Expr* qual = build_qual(relation, tenant_column);
        return equal(policy->qual, qual) &&
               (!policy->with_check_qual || equal(policy->with_check_qual, qual));
    }
    return false;
}

void install_floor() {
    next_restrictive_hook = row_security_policy_hook_restrictive;
    row_security_policy_hook_restrictive = add_floor;
}

}  // namespace tg::policy

TG_FUNCTION(tenant_guard_has_isolation_policy) {
    // While row security is disabled the server does not load policies: then the answer is no, and
    // protect() makes the policy again.
    Relation relation = table_open(PG_GETARG_OID(0), AccessShareLock);
    const bool intact =
        tg::policy::is_isolation_policy_intact(relation, NameStr(*PG_GETARG_NAME(1)));
    table_close(relation, AccessShareLock);
    PG_RETURN_BOOL(intact);
}
