// See the header.
#include "guard/voucher_table.h"

#include "pg/function.h"
#include "pg/text.h"

#include <utility>

extern "C" {
#include "utils/fmgrprotos.h"
#include "utils/regproc.h"
}

namespace tg::guard {

namespace {

// SHA-256 over the function's owner and its definition as CREATE FUNCTION would be written: arguments,
// result, language, body, library, flags and settings. Names are read off one search_path, so that the
// caller's has no part in it.
Datum definition_of(Oid function) {
    const int settings_level = NewGUCNestLevel();
    for (const auto& [name, value] : {std::pair{"search_path", "pg_catalog, pg_temp"},
                                      std::pair{"quote_all_identifiers", "off"}})
        set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, ERROR, false);
    const Datum definition = DirectFunctionCall1(pg_get_functiondef, ObjectIdGetDatum(function));
    AtEOXact_GUC(true, settings_level);

    const HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for function %u", function);
    const Oid owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->proowner;
    ReleaseSysCache(tuple);
    const char* whole =
        psprintf("%s\n%s", GetUserNameFromId(owner, false), TextDatumGetCString(definition));
    return DirectFunctionCall1(sha256_bytea, PointerGetDatum(pg::text_of(whole)));
}

// What was written down of the function; null if nothing.
const bytea* written_definition(Oid table_id, Oid index, Oid function) {
    const bytea* found = nullptr;
    Relation table = table_open(table_id, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_TEXTEQ,
                PointerGetDatum(pg::text_of(format_procedure_qualified(function))));
    SysScanDesc scan = systable_beginscan(table, index, true, nullptr, 1, &key);
    const HeapTuple tuple = systable_getnext(scan);
    if (HeapTupleIsValid(tuple)) {
        bool is_null = false;
        const Datum definition = heap_getattr(tuple, 2, RelationGetDescr(table), &is_null);
        if (!is_null) found = DatumGetByteaPCopy(definition);
    }
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return found;
}

}  // namespace

Voucher read_voucher(Oid table, Oid index, Oid function) {
    const bytea* written = written_definition(table, index, function);
    if (!written) return Voucher::none;
    const bool is_same =
        DatumGetBool(DirectFunctionCall2(byteaeq, PointerGetDatum(written), definition_of(function)));
    return is_same ? Voucher::in_force : Voucher::other_definition;
}

}  // namespace tg::guard

TG_FUNCTION(tenant_guard_function_definition) {
    return tg::guard::definition_of(PG_GETARG_OID(0));
}

TG_FUNCTION(tenant_guard_function_signature) {
    PG_RETURN_TEXT_P(tg::pg::text_of(format_procedure_qualified(PG_GETARG_OID(0))));
}
