// See the header.
#include "policy/derived_condition.h"

#include "catalog/installation.h"
#include "pg/function.h"
#include "policy/isolation_qual.h"
#include "policy/relation_class.h"

extern "C" {
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "miscadmin.h"
}

namespace tg::policy {

namespace {

struct ForeignKey {
    int columns;
    AttrNumber own[INDEX_MAX_KEYS];
    AttrNumber parents[INDEX_MAX_KEYS];
    Oid equals[INDEX_MAX_KEYS];
};

bool read_foreign_key(Oid relation, const Declaration& declared, ForeignKey& out) {
    const Oid constraint =
        get_relation_constraint_oid(relation, NameStr(declared.parent_constraint), true);
    if (!OidIsValid(constraint)) return false;
    const HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(tuple)) return false;
    const auto* form = reinterpret_cast<const FormData_pg_constraint*>(GETSTRUCT(tuple));
    const bool fits = form->contype == CONSTRAINT_FOREIGN && form->confrelid == declared.parent;
    if (fits)
        DeconstructFkConstraintRow(tuple, &out.columns, out.own, out.parents, out.equals, nullptr, nullptr,
                                   nullptr, nullptr);
    ReleaseSysCache(tuple);
    return fits;
}

// OPERATOR(schema.=), the one that the foreign key itself compares with.
bool append_equals(StringInfo to, Oid oid) {
    const HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
    if (!HeapTupleIsValid(tuple)) return false;
    const auto* form = reinterpret_cast<const FormData_pg_operator*>(GETSTRUCT(tuple));
    // The last column of a temporal key is compared by containment, which is not this condition.
    const bool is_equality = std::strcmp(NameStr(form->oprname), "=") == 0;
    if (is_equality)
        appendStringInfo(to, " OPERATOR(%s.=) ", quote_identifier(get_namespace_name(form->oprnamespace)));
    ReleaseSysCache(tuple);
    return is_equality;
}

const char* column_name(Oid relation, AttrNumber number) {
    return quote_identifier(get_attname(relation, number, false));
}

// Another name than the relation's own, which it would hide.
const char* name_of_parent_row(const char* relation) {
    constexpr const char* usual = "tenant_guard_parent";
    return std::strcmp(relation, usual) == 0 ? "tenant_guard_parent_1" : usual;
}

// The parent's own row security isolates it as well, whatever kind it is.
bool append_tenant_condition(StringInfo to, Oid parent, const char* parent_row) {
    const Declaration declared = read_declaration(parent);
    if (declared.is_derived) return true;
    if (!declared.is_protected) return false;
    const AttrNumber number = get_attnum(parent, NameStr(declared.tenant_column));
    if (number == InvalidAttrNumber) return false;
    const char* function = tenant_function(getBaseType(get_atttype(parent, number)));
    if (!function) return false;
    appendStringInfo(to, " AND %s.%s OPERATOR(pg_catalog.=) %s.%s()", parent_row, column_name(parent, number),
                     quote_identifier(get_namespace_name(catalog::installation().schema)), function);
    return true;
}

bool append_condition(StringInfo to, Oid relation) {
    const Declaration declared = read_declaration(relation);
    ForeignKey key;
    if (!declared.is_derived || !read_foreign_key(relation, declared, key)) return false;
    const char* name = get_rel_name(relation);
    const char* row = quote_identifier(name);
    const char* parent_row = name_of_parent_row(name);
    appendStringInfo(to, "EXISTS (SELECT 1 FROM %s %s WHERE ",
                     quote_qualified_identifier(get_namespace_name(get_rel_namespace(declared.parent)),
                                                get_rel_name(declared.parent)),
                     parent_row);
    for (int i = 0; i < key.columns; i++) {
        appendStringInfo(to, "%s%s.%s", i == 0 ? "" : " AND ", parent_row,
                         column_name(declared.parent, key.parents[i]));
        if (!append_equals(to, key.equals[i])) return false;
        appendStringInfo(to, "%s.%s", row, column_name(relation, key.own[i]));
    }
    if (!append_tenant_condition(to, declared.parent, parent_row)) return false;
    appendStringInfoChar(to, ')');
    return true;
}

}  // namespace

const char* derived_condition(Oid relation) {
    StringInfoData text;
    initStringInfo(&text);
    return append_condition(&text, relation) ? text.data : nullptr;
}

}  // namespace tg::policy

TG_FUNCTION(tenant_guard_derived_condition) {
    const char* condition = tg::policy::derived_condition(PG_GETARG_OID(0));
    if (!condition) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(condition));
}
