// See the header.
#include "guard/untrusted_names.h"

#include "enforcement/profile.h"
#include "enforcement/refusal.h"
#include "guard/untrusted_functions.h"
#include "pg/compat.h"

extern "C" {
#include "access/sysattr.h"
#include "catalog/heap.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;

void refuse_type(Guarding mode, Oid type) {
    const char* name = format_type_be(type);
    enforcement::refuse(
        mode, {.message = psprintf("type %s is not allowed in an untrusted transaction", name),
               .detail = "It shows names of objects on which the role may have no rights.",
               .hint = "Compare names as text, in the views of information_schema.",
               .object = name});
}

// xmin, ctid and the rest. The relation is known already, by its oid.
bool is_hidden_column(const Node* node) {
    if (!IsA(node, Var)) return false;
    const AttrNumber column = reinterpret_cast<const Var*>(node)->varattno;
    return column < 0 && column != TableOidAttributeNumber;
}

void refuse_hidden_column(Guarding mode, const Node* node) {
    const AttrNumber column = reinterpret_cast<const Var*>(node)->varattno;
    const char* name = NameStr(SystemAttributeDefinition(column)->attname);
    enforcement::refuse(
        mode, {.message = psprintf("column %s is not allowed in an untrusted transaction", name),
               .detail = "It shows when and where the server wrote the row, among those of every tenant.",
               .hint = "Use a column of the table.",
               .object = name});
}

void check_types(Guarding mode, const List* types) {
    ListCell* cell;
    foreach (cell, types)
        if (shows_names(lfirst_oid(cell))) refuse_type(mode, lfirst_oid(cell));
}

// The nodes that bring a type into an expression; all others pass on what their operands bring, and a
// column what its relation holds.
bool brings_type(const Node* node) {
    switch (nodeTag(node)) {
        case T_Const:
        case T_Param:
        case T_FuncExpr:
        case T_RelabelType:
        case T_CoerceViaIO:
        case T_ArrayCoerceExpr:
        case T_ConvertRowtypeExpr:
        case T_CoerceToDomain:
        case T_FieldSelect:
            return true;
        default:
            return false;
    }
}

bool check_node(Node* node, void* context) {
    const Guarding mode = *static_cast<const Guarding*>(context);
    const auto walker = pg::tree_walker(check_node);
    if (!node) return false;
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query*>(node), walker, context,
                                 QTW_EXAMINE_RTES_BEFORE);
    if (IsA(node, RangeTblEntry)) return false;  // its parts follow
    // 'orders'::regclass where an oid is wanted shows nothing.
    if (IsA(node, RelabelType) && reinterpret_cast<RelabelType*>(node)->resulttype == OIDOID) {
        Node* number = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
        return expression_tree_walker(number, walker, context);
    }
    if (IsA(node, RangeTblFunction))
        check_types(mode, reinterpret_cast<RangeTblFunction*>(node)->funccoltypes);
    if (IsA(node, TableFunc)) check_types(mode, reinterpret_cast<TableFunc*>(node)->coltypes);
    if (is_hidden_column(node)) refuse_hidden_column(mode, node);
    if (brings_type(node) && shows_names(exprType(node))) refuse_type(mode, exprType(node));
    if (IsA(node, FuncExpr)) check_named_function(mode, reinterpret_cast<FuncExpr*>(node)->funcid);
    return expression_tree_walker(node, walker, context);
}

bool names_object(Oid type) {
    switch (type) {
        case REGCLASSOID:
        case REGPROCOID:
        case REGPROCEDUREOID:
        case REGOPEROID:
        case REGOPERATOROID:
        case REGROLEOID:
        case REGNAMESPACEOID:
        case REGTYPEOID:
        case REGDICTIONARYOID:
        case ACLITEMOID:
            return true;
        default:
            return false;
    }
}

}  // namespace

bool shows_names(Oid type) {
    Oid base = getBaseType(type);
    const Oid element = get_element_type(base);
    if (OidIsValid(element)) base = getBaseType(element);
    if (names_object(base)) return true;
    // A catalog's row has such columns.
    const Oid relation = get_typ_typrelid(base);
    return OidIsValid(relation) && get_rel_namespace(relation) == PG_CATALOG_NAMESPACE;
}

void check_names(Query* query) {
    if (query->commandType == CMD_UTILITY) return;
    Guarding mode = enforcement::guarding_untrusted();
    if (mode != Guarding::none) check_node(reinterpret_cast<Node*>(query), &mode);
}

}  // namespace tg::guard
