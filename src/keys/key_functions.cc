// What SQL's add_secret(), add_pem() and add_jwk() call: judges a key and turns it into the form in
// which it is stored. A key is refused here, with the reason, or never. And what the view of keys shows of
// those that come from a file.
#include "catalog/installation.h"
#include "jose/key.h"
#include "keys/key_file.h"
#include "pg/function.h"
#include "pg/text.h"

extern "C" {
#include "funcapi.h"
}

namespace {

using namespace tg;

// A row (kid text, algorithm text, material bytea). Our own copies are wiped either way.
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
    text* stored = pg::text_of(material);
    Datum values[] = {PointerGetDatum(pg::text_of({key.kid.data(), key.kid_size})),
                      PointerGetDatum(pg::text_of(key.algorithm->stored_name)),
                      PointerGetDatum(stored)};
    bool nulls[] = {false, false, false};
    jose::wipe(key);
    const HeapTuple row = heap_form_tuple(BlessTupleDesc(shape), values, nulls);
    explicit_bzero(stored, VARSIZE(stored));
    pfree(stored);
    return HeapTupleGetDatum(row);
}

// A function in a view is called with the rights of whoever reads the view: who may read it may call this.
void require_right_to_read_keys() {
    const Oid view = get_relname_relid("keys", catalog::installation().schema);
    if (!OidIsValid(view) || pg_class_aclcheck(view, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_VIEW, "keys");
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

TG_FUNCTION(tenant_guard_file_keys) {
    require_right_to_read_keys();
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    const keys::KeyFile file = keys::current_key_file();
    const std::string_view issuer = keys::key_file_issuer();
    for (std::size_t i = 0; i < file.key_count; i++) {
        const jose::ImportedKey& key = file.keys[i];
        Datum values[] = {PointerGetDatum(pg::text_of({key.kid.data(), key.kid_size})),
                          PointerGetDatum(pg::text_of(issuer)),
                          PointerGetDatum(pg::text_of(key.algorithm->stored_name)),
                          TimestampTzGetDatum(file.modified)};
        bool nulls[] = {false, false, false, false};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return Datum{0};
}
