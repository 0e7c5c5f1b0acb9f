// verify(): what authenticate() would say of a token, for debugging. Sets nothing.
#include "audit/redaction.h"
#include "catalog/installation.h"
#include "pg/function.h"
#include "pg/refuse.h"
#include "pg/text.h"
#include "session/authenticate.h"

extern "C" {
#include "funcapi.h"
#include "utils/fmgrprotos.h"
}

namespace {

using namespace tg;

// The header is JSON that the strict reader took: jsonb takes it as well.
NullableDatum jsonb_of(std::string_view json) {
    if (json.empty()) return {Datum{0}, true};
    return {DirectFunctionCall1(jsonb_in, CStringGetDatum(pg::cstring_of(json))), false};
}

NullableDatum text_or_null(std::string_view value) {
    if (value.empty()) return {Datum{0}, true};
    return {PointerGetDatum(pg::text_of(value)), false};
}

}  // namespace

TG_FUNCTION(tenant_guard_verify) {
    audit::hide_running_statement();
    pg::require_preloaded();
    catalog::require_installation();
    TupleDesc shape = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");

    jose::Token token{};
    const std::string_view jwt =
        PG_ARGISNULL(0) ? std::string_view{} : pg::view_of(PG_GETARG_TEXT_PP(0));
    const Verdict verdict = session::judge_token(jwt, token);
    const bool is_valid = verdict == Verdict::ok;
    const NullableDatum row[] = {{BoolGetDatum(is_valid), false},
                                 text_or_null(describe(verdict).reason),
                                 text_or_null(token.kid),
                                 text_or_null(token.algorithm ? token.algorithm->name : std::string_view{}),
                                 jsonb_of(token.header),
                                 jsonb_of(token.payload),
                                 text_or_null(token.tenant)};
    Datum values[std::size(row)];
    bool nulls[std::size(row)];
    for (std::size_t i = 0; i < std::size(row); i++) {
        values[i] = row[i].value;
        nulls[i] = row[i].isnull;
    }
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls)));
}
