// See the header.
#include "policy/attribute_condition.h"

#include "catalog/installation.h"
#include "pg/function.h"

namespace tg::policy {

namespace {

// By which function a column of a type is compared. One function serves all integers, since their operators are of one
// family: an index on an integer column can be used with bigint values. There is no row for floating point, where
// equality says little, nor for enums, which compare by value and not by name.
struct Reader {
    Oid type;
    const char* function;
    const char* cast;
};

constexpr Reader readers[] = {
    {TEXTOID, "attribute_texts", ""},
    {VARCHAROID, "attribute_texts", ""},
    {BPCHAROID, "attribute_texts", "::pg_catalog.bpchar[]"},
    {INT2OID, "attribute_bigints", ""},
    {INT4OID, "attribute_bigints", ""},
    {INT8OID, "attribute_bigints", ""},
    {NUMERICOID, "attribute_numerics", ""},
    {BOOLOID, "attribute_booleans", ""},
    {UUIDOID, "attribute_uuids", ""},
};

const Reader* reader_of(Oid type) {
    const Oid base = getBaseType(type);
    for (const Reader& reader : readers)
        if (reader.type == base) return &reader;
    return nullptr;
}

// Null if it cannot be made.
const char* condition(Oid relation, const char* column, const char* attribute) {
    const AttrNumber number = get_attnum(relation, column);
    if (number <= InvalidAttrNumber) return nullptr;
    const Reader* reader = reader_of(get_atttype(relation, number));
    if (!reader) return nullptr;
    return psprintf("%s OPERATOR(pg_catalog.=) ANY (%s.%s(%s)%s)", quote_identifier(column),
                    quote_identifier(get_namespace_name(catalog::installation().schema)), reader->function,
                    quote_literal_cstr(attribute), reader->cast);
}

// Calls `visit(column, attribute)` for each restriction, in the order of the primary key, until it returns false.
template <typename Visit>
void for_each_restriction(Oid relation, Visit visit) {
    const catalog::Installation& at = catalog::installation();
    if (!OidIsValid(at.restrictions)) return;
    Relation table = table_open(at.restrictions, AccessShareLock);
    Relation index = index_open(at.restrictions_index, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan_ordered(table, index, nullptr, 1, &key);
    const TupleDesc shape = RelationGetDescr(table);
    for (;;) {
        const HeapTuple tuple = systable_getnext_ordered(scan, ForwardScanDirection);
        if (!HeapTupleIsValid(tuple)) break;
        bool is_null = false;
        const char* column = pstrdup(NameStr(*DatumGetName(heap_getattr(tuple, 2, shape, &is_null))));
        const char* attribute = TextDatumGetCString(heap_getattr(tuple, 3, shape, &is_null));
        if (!visit(column, attribute)) break;
    }
    systable_endscan_ordered(scan);
    index_close(index, AccessShareLock);
    table_close(table, AccessShareLock);
}

}  // namespace

bool attribute_conditions(Oid relation, List*& out) {
    out = NIL;
    bool complete = true;
    for_each_restriction(relation, [&](const char* column, const char* attribute) {
        const char* one = condition(relation, column, attribute);
        complete = one != nullptr;
        if (complete) out = lappend(out, const_cast<char*>(one));
        return complete;
    });
    return complete;
}

bool is_restricted_column(Oid relation, const char* column) {
    bool found = false;
    for_each_restriction(relation, [&](const char* restricted, const char*) {
        found = std::strcmp(restricted, column) == 0;
        return !found;
    });
    return found;
}

}  // namespace tg::policy

TG_FUNCTION(tenant_guard_can_be_restricted) {
    PG_RETURN_BOOL(tg::policy::reader_of(PG_GETARG_OID(0)) != nullptr);
}

TG_FUNCTION(tenant_guard_with_restrictions) {
    List* conditions = NIL;
    if (!tg::policy::attribute_conditions(PG_GETARG_OID(0), conditions))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("relation \"%s\" cannot be restricted as declared", get_rel_name(PG_GETARG_OID(0))),
                        errdetail("A column that is compared with an attribute is gone or has another type now."),
                        errhint("Run SELECT tenant_guard.unrestrict(relation, column) for the columns that SELECT * FROM "
                                "tenant_guard.attribute_restrictions lists.")));
    StringInfoData whole;
    initStringInfo(&whole);
    appendStringInfoString(&whole, TextDatumGetCString(PG_GETARG_DATUM(1)));
    ListCell* cell;
    foreach (cell, conditions) appendStringInfo(&whole, " AND %s", static_cast<const char*>(lfirst(cell)));
    PG_RETURN_TEXT_P(cstring_to_text(whole.data));
}
