// cache_key(): the key under which a result may be cached above the database. It differs whenever the
// result could: a cache whose key forgets the tenant or an attribute serves one customer another's rows.
#include "context/tenant_context.h"
#include "jose/digest.h"
#include "pg/function.h"
#include "pg/refuse.h"
#include "pg/relation_changes.h"
#include "pg/text.h"
#include "session/parsed_claims.h"

extern "C" {
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
}

namespace {

using namespace tg;

// What policies_in_force() says, and of how many changes we had heard when it did.
struct PoliciesInForce {
    uint64 known_at;
    char digest[33];
    bool by_claims;
};

PoliciesInForce policies;
uint64 changes = 0;  // 0: not listening yet

void on_relation_change(Datum, Oid) { changes++; }
void on_function_change(Datum, int, uint32) { changes++; }

void listen_for_changes() {
    if (changes != 0) return;
    pg::on_relation_changes(on_relation_change);
    CacheRegisterSyscacheCallback(PROCOID, on_function_change, Datum{0});
    changes = 1;
}

bool is_true(int column) {
    bool is_null = false;
    const Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null);
    return !is_null && DatumGetBool(value);
}

const PoliciesInForce& policies_in_force() {
    listen_for_changes();
    if (policies.known_at == changes) return policies;
    PoliciesInForce found{};
    found.known_at = changes;
    SPI_connect();
    if (SPI_execute("SELECT * FROM tenant_guard.policies_in_force()", true, 1) != SPI_OK_SELECT ||
        SPI_processed != 1)
        elog(ERROR, "could not read the policies in force");
    strlcpy(found.digest, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1),
            sizeof found.digest);
    found.by_claims = is_true(2);
    SPI_finish();
    policies = found;
    return policies;
}

// The parts are written with their lengths, so that no two lists of parts give one text.
void append_part(StringInfo key, std::string_view part) {
    appendStringInfo(key, "%zu:", part.size());
    appendBinaryStringInfo(key, part.data(), static_cast<int>(part.size()));
}

void append_parameters(StringInfo key, ArrayType* parameters) {
    Datum* elements = nullptr;
    bool* nulls = nullptr;
    int count = 0;
    deconstruct_array(parameters, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
    appendStringInfo(key, "%d;", count);
    for (int i = 0; i < count; i++) {
        if (nulls[i])
            appendStringInfoChar(key, 'N');
        else
            append_part(key, pg::view_of(DatumGetTextPP(elements[i])));
    }
}

// Whether the query itself may read the subject or other claims. Rather too often than too rarely.
bool mentions_claims(std::string_view query) {
    const char* text = pg::cstring_of(query);
    return strcasestr(text, "subject") || strcasestr(text, "claim");
}

// The claims without those that every new token of the same user has anew (RFC 7519 section 4.1).
std::string_view lasting_claims(const context::TenantContext& tenant) {
    Datum claims = JsonbPGetDatum(session::parsed_claims(tenant).payload);
    for (const char* name : {"exp", "nbf", "iat", "jti"})
        claims = DirectFunctionCall2(jsonb_delete, claims, CStringGetTextDatum(name));
    Jsonb* lasting = DatumGetJsonbP(claims);
    return JsonbToCString(nullptr, &lasting->root, VARSIZE(lasting));
}

text* hexadecimal(const std::array<std::uint8_t, 32>& digest) {
    char digits[64];
    hex_encode(reinterpret_cast<const char*>(digest.data()), digest.size(), digits);
    return pg::text_of({digits, sizeof digits});
}

[[noreturn]] void refuse_without_context() {
    ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
                    errmsg("no tenant is authenticated"),
                    errdetail("A cache key without a tenant would be shared by all of them."),
                    errhint("Call tenant_guard.authenticate(jwt) first, in the same transaction.")));
    pg_unreachable();
}

}  // namespace

TG_FUNCTION(tenant_guard_cache_key) {
    pg::require_preloaded();
    const context::TenantContext* tenant = context::current();
    if (!tenant) refuse_without_context();
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("query and parameters of a cache key must not be null")));
    const std::string_view query = pg::view_of(PG_GETARG_TEXT_PP(0));
    const PoliciesInForce& in_force = policies_in_force();
    Jsonb* attributes = session::parsed_claims(*tenant).attributes;

    StringInfoData key;
    initStringInfo(&key);
    append_part(&key, tenant->tenant());
    append_part(&key, GetUserNameFromId(GetUserId(), false));
    append_part(&key, attributes ? JsonbToCString(nullptr, &attributes->root, VARSIZE(attributes)) : "");
    append_part(&key, in_force.by_claims || mentions_claims(query) ? lasting_claims(*tenant) : "");
    append_part(&key, in_force.digest);
    append_part(&key, query);
    append_parameters(&key, PG_GETARG_ARRAYTYPE_P(1));

    const std::string_view whole{key.data, static_cast<std::size_t>(key.len)};
    std::array<std::uint8_t, 32> digest;
    if (!jose::sha256({&whole, 1}, digest)) elog(ERROR, "could not compute a digest");
    PG_RETURN_TEXT_P(hexadecimal(digest));
}
