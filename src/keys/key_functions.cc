// What SQL's add_secret(), add_pem() and add_jwk() call: judges a key and turns it into the form in
// which it is stored. A key is refused here, with the reason, or never.
#include "jose/key.h"
#include "pg/function.h"
#include "pg/text.h"

extern "C" {
#include "funcapi.h"
}

namespace {

using namespace tg;

// A row (kid text, algorithm text, material bytea). The copy on the stack is wiped either way.
Datum imported_row(FunctionCallInfo fcinfo, jose::KeyVerdict verdict, jose::ImportedKey& key) {
    if (verdict != jose::KeyVerdict::ok) {
        jose::wipe(key);
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("key refused"),
                        errdetail("%s", jose::describe(verdict)),
                        errhint("docs/errors.md lists what a key must satisfy."), errhidestmt(true)));
    }
    TupleDesc shape = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    const std::string_view material{reinterpret_cast<const char*>(key.material.data()),
                                    key.material_size};
    Datum values[] = {PointerGetDatum(pg::text_of({key.kid.data(), key.kid_size})),
                      PointerGetDatum(pg::text_of(key.algorithm->stored_name)),
                      PointerGetDatum(pg::text_of(material))};
    bool nulls[] = {false, false, false};
    jose::wipe(key);
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
}

}  // namespace

TG_FUNCTION(tenant_guard_import_secret) {
    jose::ImportedKey key;
    const auto verdict = jose::import_secret(pg::view_of(PG_GETARG_TEXT_PP(0)),
                                             pg::view_of(PG_GETARG_TEXT_PP(1)),
                                             pg::view_of(PG_GETARG_TEXT_PP(2)), key);
    return imported_row(fcinfo, verdict, key);
}

TG_FUNCTION(tenant_guard_import_pem) {
    jose::ImportedKey key;
    const auto verdict = jose::import_pem(pg::view_of(PG_GETARG_TEXT_PP(0)),
                                          pg::view_of(PG_GETARG_TEXT_PP(1)),
                                          pg::view_of(PG_GETARG_TEXT_PP(2)), key);
    return imported_row(fcinfo, verdict, key);
}

TG_FUNCTION(tenant_guard_import_jwk) {
    jose::ImportedKey key;
    const auto verdict = jose::import_jwk(pg::view_of(PG_GETARG_TEXT_PP(0)), key);
    return imported_row(fcinfo, verdict, key);
}
