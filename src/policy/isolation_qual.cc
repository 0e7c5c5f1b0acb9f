// See the header. The condition is built by the server's own parser from qualified names, just as
// CREATE POLICY builds it: equal() can then tell whether a policy still says the same, and no
// search_path of a client takes part.
#include "policy/isolation_qual.h"

#include "catalog/installation.h"
#include "pg/compat.h"
#include "pg/function.h"
#include "pg/text.h"
#include "policy/attribute_condition.h"
#include "policy/derived_condition.h"
#include "policy/relation_class.h"

extern "C" {
#include "catalog/pg_policy.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "rewrite/rowsecurity.h"
#include "utils/array.h"
}

namespace tg::policy {

namespace {

row_security_policy_hook_type next_restrictive_hook = nullptr;

// A condition that is false for every row, for a protected relation whose column is gone.
Expr* deny_all() { return reinterpret_cast<Expr*>(makeBoolConst(false, false)); }

// The comparison of the tenant column as the parser would give it; null if the column is gone.
Node* parse_comparison(Relation relation, const char* column) {
    const AttrNumber number = get_attnum(RelationGetRelid(relation), column);
    if (number == InvalidAttrNumber) return nullptr;
    const char* function = tenant_function(getBaseType(get_atttype(RelationGetRelid(relation), number)));
    if (!function) return nullptr;

    auto* reference = makeNode(ColumnRef);
    reference->fields = list_make1(makeString(pstrdup(column)));
    reference->location = -1;
    char* schema = get_namespace_name(catalog::installation().schema);
    FuncCall* call = makeFuncCall(list_make2(makeString(schema), makeString(pstrdup(function))), NIL,
                                  COERCE_EXPLICIT_CALL, -1);
    List* equals = list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("=")));
    return reinterpret_cast<Node*>(makeA_Expr(AEXPR_OP, equals, reinterpret_cast<Node*>(reference),
                                              reinterpret_cast<Node*>(call), -1));
}

Node* parse_condition(const char* condition) {
    List* statements = raw_parser(psprintf("SELECT %s", condition), RAW_PARSE_DEFAULT);
    const auto* select = castNode(SelectStmt, linitial_node(RawStmt, statements)->stmt);
    return linitial_node(ResTarget, select->targetList)->val;
}

Node* parse_derived(Relation relation) {
    const char* condition = derived_condition(RelationGetRelid(relation));
    return condition ? parse_condition(condition) : nullptr;
}

// The condition of the tenant as the parser would give it; null if it is not possible.
Node* parse_tenant_condition(Relation relation, const Declaration& declared) {
    return declared.is_derived ? parse_derived(relation)
                               : parse_comparison(relation, NameStr(declared.tenant_column));
}

// The same and that of the attributes.
Node* parse_isolation(Relation relation, const Declaration& declared) {
    Node* parsed = parse_tenant_condition(relation, declared);
    List* restrictions = NIL;
    if (!parsed || !attribute_conditions(RelationGetRelid(relation), restrictions)) return nullptr;
    if (restrictions == NIL) return parsed;
    List* parts = list_make1(parsed);
    ListCell* cell;
    foreach (cell, restrictions) parts = lappend(parts, parse_condition(static_cast<const char*>(lfirst(cell))));
    return reinterpret_cast<Node*>(makeBoolExpr(AND_EXPR, parts, -1));
}

Expr* transform(Relation relation, Node* parsed) {
    ParseState* state = make_parsestate(nullptr);
    ParseNamespaceItem* item =
        addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, false);
    addNSItemToQuery(state, item, false, true, true);
    Node* qual = transformWhereClause(state, parsed, EXPR_KIND_POLICY, "POLICY");
    assign_expr_collations(state, qual);
    free_parsestate(state);
    return reinterpret_cast<Expr*>(qual);
}

Expr* build_qual(Relation relation, const Declaration& declared) {
    Node* parsed = parse_isolation(relation, declared);
    return parsed ? transform(relation, parsed) : deny_all();
}

// A subquery's entry of a relation lists all its columns, also those that came or were renamed since.
bool forget_column_names(Node* node, void* context) {
    if (!node) return false;
    if (!IsA(node, Query)) return expression_tree_walker(node, pg::tree_walker(forget_column_names), context);
    auto* query = reinterpret_cast<Query*>(node);
    ListCell* cell;
    foreach (cell, query->rtable) lfirst_node(RangeTblEntry, cell)->eref = nullptr;
    return query_tree_walker(query, pg::tree_walker(forget_column_names), context, 0);
}

// Whether two conditions say the same.
bool is_same(const Expr* one, const Expr* other) {
    auto* first = static_cast<Node*>(copyObjectImpl(one));
    auto* second = static_cast<Node*>(copyObjectImpl(other));
    forget_column_names(first, nullptr);
    forget_column_names(second, nullptr);
    return equal(first, second);
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
    return lappend(policies, make_policy(build_qual(relation, declaration)));
}

}  // namespace

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

bool is_isolation_policy_intact(Relation relation, const Declaration& declared) {
    if (!relation->rd_rsdesc) return false;
    ListCell* cell;
    foreach (cell, relation->rd_rsdesc->policies) {
        const auto* policy = static_cast<const RowSecurityPolicy*>(lfirst(cell));
        if (!policy->policy_name || isolation_policy_name != policy->policy_name) continue;
        if (policy->permissive || policy->polcmd != '*' || !is_for_public(policy->roles)) return false;
        const Expr* qual = build_qual(relation, declared);
        return is_same(policy->qual, qual) &&
               (!policy->with_check_qual || is_same(policy->with_check_qual, qual));
    }
    return false;
}

bool is_isolation_condition(Relation relation, const Declaration& declared, const Node* condition) {
    return condition && is_same(reinterpret_cast<const Expr*>(condition), build_qual(relation, declared));
}

bool is_narrowed_isolation(Relation relation, const Node* condition) {
    if (!condition) return false;
    Node* parsed = parse_tenant_condition(relation, read_declaration(RelationGetRelid(relation)));
    if (!parsed) return false;
    const Expr* whole = transform(relation, static_cast<Node*>(copyObjectImpl(condition)));
    if (!IsA(whole, BoolExpr)) return false;
    const auto* parts = reinterpret_cast<const BoolExpr*>(whole);
    return parts->boolop == AND_EXPR && is_same(static_cast<const Expr*>(linitial(parts->args)), transform(relation, parsed));
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
    // Asked before the declaration is made, too.
    tg::policy::Declaration wanted = tg::policy::read_declaration(PG_GETARG_OID(0));
    if (!wanted.is_derived) wanted.tenant_column = *PG_GETARG_NAME(1);
    const bool intact = tg::policy::is_isolation_policy_intact(relation, wanted);
    table_close(relation, AccessShareLock);
    PG_RETURN_BOOL(intact);
}
