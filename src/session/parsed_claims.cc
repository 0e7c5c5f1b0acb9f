// See the header.
#include "session/parsed_claims.h"

#include "core/bytes.h"
#include "pg/text.h"

extern "C" {
#include "utils/array.h"
#include "utils/fmgrprotos.h"
}

namespace tg::session {

namespace {

ParsedClaims parsed;
MemoryContext memory = nullptr;
uint64 parsed_serial = 0;  // of the context that was parsed; no context has 0

// jsonb #> path, or null.
Jsonb* extract(Jsonb* from, Datum path) {
    LOCAL_FCINFO(call, 2);
    InitFunctionCallInfoData(*call, nullptr, 2, InvalidOid, nullptr, nullptr);
    call->args[0] = {JsonbPGetDatum(from), false};
    call->args[1] = {path, false};
    const Datum found = jsonb_extract_path(call);
    return call->isnull ? nullptr : DatumGetJsonbP(found);
}

// The attributes claim is a member name, or a path of names: the longest name that exists wins at
// each step, as for the tenant claim (jose/claim_path.h).
Jsonb* find_attributes(Jsonb* from, std::string_view path) {
    if (path.empty()) return nullptr;
    if (Jsonb* whole = extract(from, path_of(path))) return whole;
    for (std::size_t dot = path.rfind('.'); dot != std::string_view::npos && dot > 0;
         dot = path.rfind('.', dot - 1)) {
        Jsonb* inner = extract(from, path_of(first_of(path, dot)));
        if (!inner) continue;
        if (Jsonb* found = find_attributes(inner, without_first(path, dot + 1))) return found;
    }
    return nullptr;
}

}  // namespace

Datum path_of(std::string_view step) {
    Datum element = PointerGetDatum(pg::text_of(step));
    return PointerGetDatum(construct_array(&element, 1, TEXTOID, -1, false, TYPALIGN_INT));
}

const ParsedClaims& parsed_claims(const context::TenantContext& tenant) {
    if (parsed_serial == tenant.serial()) return parsed;
    parsed_serial = 0;
    if (!memory)
        memory = AllocSetContextCreate(TopMemoryContext, "tenant_guard claims", ALLOCSET_SMALL_SIZES);
    MemoryContextReset(memory);
    const MemoryContext before = MemoryContextSwitchTo(memory);
    char* payload = pg::cstring_of(tenant.payload());
    parsed.payload = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(payload)));
    parsed.attributes = find_attributes(parsed.payload, tenant.attributes_claim());
    MemoryContextSwitchTo(before);
    parsed_serial = tenant.serial();
    return parsed;
}

}  // namespace tg::session
