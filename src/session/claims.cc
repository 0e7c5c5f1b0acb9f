// What SQL reads of the context. All functions are STABLE and PARALLEL SAFE and cheap enough to be
// called per row.
#include "context/tenant_context.h"
#include "pg/function.h"
#include "pg/refuse.h"
#include "pg/text.h"
#include "session/parsed_claims.h"

extern "C" {
#include "utils/fmgrprotos.h"
}

namespace {

using namespace tg;

// The running context; null without one. Policies call these functions, so a session that has the
// library but not from the start must hear an error and not an empty answer.
const context::TenantContext* current() {
    if (!pg::is_preloaded()) pg::require_preloaded();
    return context::current();
}

[[noreturn]] void refuse_type(const char* type) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
                    errmsg("the tenant id of this transaction is not of type %s", type),
                    errdetail("The token names a tenant whose id is written differently."),
                    errhint("Protect the relation by a column of the type of the tenant ids, or "
                            "issue tokens with ids of type %s.",
                            type)));
    pg_unreachable();
}

// jsonb #>> path; SQL NULL if absent or null.
Datum extract_text(FunctionCallInfo fcinfo, Jsonb* from, Datum path) {
    LOCAL_FCINFO(call, 2);
    InitFunctionCallInfoData(*call, nullptr, 2, InvalidOid, nullptr, nullptr);
    call->args[0] = {JsonbPGetDatum(from), false};
    call->args[1] = {path, false};
    const Datum found = jsonb_extract_path_text(call);
    if (call->isnull) PG_RETURN_NULL();
    return found;
}

}  // namespace

TG_FUNCTION(tenant_guard_tenant_id) {
    const context::TenantContext* tenant = current();
    if (!tenant) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(pg::text_of(tenant->tenant()));
}

TG_FUNCTION(tenant_guard_tenant_id_uuid) {
    const context::TenantContext* tenant = current();
    if (!tenant) PG_RETURN_NULL();
    if (!tenant->uuid()) refuse_type("uuid");
    PG_RETURN_UUID_P(const_cast<pg_uuid_t*>(tenant->uuid()));
}

TG_FUNCTION(tenant_guard_tenant_id_bigint) {
    const context::TenantContext* tenant = current();
    if (!tenant) PG_RETURN_NULL();
    if (!tenant->bigint()) refuse_type("bigint");
    PG_RETURN_INT64(*tenant->bigint());
}

TG_FUNCTION(tenant_guard_tenant_id_int) {
    const context::TenantContext* tenant = current();
    if (!tenant) PG_RETURN_NULL();
    if (!tenant->bigint() || *tenant->bigint() < PG_INT32_MIN || *tenant->bigint() > PG_INT32_MAX)
        refuse_type("integer");
    PG_RETURN_INT32(static_cast<int32>(*tenant->bigint()));
}

TG_FUNCTION(tenant_guard_subject) {
    const context::TenantContext* tenant = current();
    if (!tenant || !tenant->has_subject()) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(pg::text_of(tenant->subject()));
}

TG_FUNCTION(tenant_guard_claims) {
    const context::TenantContext* tenant = current();
    if (!tenant) PG_RETURN_NULL();
    PG_RETURN_JSONB_P(session::parsed_claims(*tenant).payload);
}

TG_FUNCTION(tenant_guard_claim) {
    const context::TenantContext* tenant = current();
    if (!tenant || PG_ARGISNULL(0)) PG_RETURN_NULL();
    return extract_text(fcinfo, session::parsed_claims(*tenant).payload, PG_GETARG_DATUM(0));
}

TG_FUNCTION(tenant_guard_attribute) {
    const context::TenantContext* tenant = current();
    if (!tenant || PG_ARGISNULL(0)) PG_RETURN_NULL();
    const session::ParsedClaims& claims = session::parsed_claims(*tenant);
    if (!claims.attributes) PG_RETURN_NULL();
    return extract_text(fcinfo, claims.attributes, session::path_of(pg::view_of(PG_GETARG_TEXT_PP(0))));
}

TG_FUNCTION(tenant_guard_library_version) {
    if (!pg::is_preloaded()) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(pg::text_of(TG_VERSION));
}
