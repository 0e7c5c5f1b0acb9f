// See the header. Asked only where a relation would be refused, or where a query of a SECURITY DEFINER
// function is planned; the answers are kept per backend until a function, a role or the table of vouchers
// changes.
#include "guard/vouchers.h"

#include "audit/event.h"
#include "audit/function_uses.h"
#include "catalog/installation.h"
#include "guard/definer_frames.h"
#include "guard/voucher_table.h"
#include "pg/relation_changes.h"

extern "C" {
#include "utils/plancache.h"
#include "utils/regproc.h"
}

namespace tg::guard {

namespace {

struct Entry {
    Oid function;  // the hash key
    Voucher voucher;
};

HTAB* entries = nullptr;
uint64 changes = 0;
Oid vouchers_table = InvalidOid;

Voucher look_up(Oid function) {
    const catalog::Installation& at = catalog::installation();
    vouchers_table = at.vouchers;
    if (at.state != catalog::InstallationState::ready) return Voucher::none;
    return read_voucher(at.vouchers, at.vouchers_index, function);
}

Voucher voucher_of(Oid function) {
    if (!entries) {
        HASHCTL control{};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(Entry);
        entries = hash_create("tenant_guard vouchers", 16, &control, HASH_ELEM | HASH_BLOBS);
    }
    if (const auto* known =
            static_cast<const Entry*>(hash_search(entries, &function, HASH_FIND, nullptr)))
        return known->voucher;
    uint64 looked_up_at;
    Voucher found;
    do {
        looked_up_at = changes;
        found = look_up(function);
    } while (looked_up_at != changes);
    static_cast<Entry*>(hash_search(entries, &function, HASH_ENTER, nullptr))->voucher = found;
    return found;
}

void forget_everything() {
    changes++;
    if (!entries) return;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, entries);
    while (auto* entry = static_cast<Entry*>(hash_seq_search(&scan)))
        hash_search(entries, &entry->function, HASH_REMOVE, nullptr);
}

void on_catalog_change(Datum, int, uint32) { forget_everything(); }

// Plans of a function that was not vouched for may have workers.
void on_relation_change(Datum, Oid relation) {
    if (OidIsValid(relation) && relation != vouchers_table) return;
    forget_everything();
    if (OidIsValid(vouchers_table) && relation == vouchers_table) ResetPlanCache();
}

bool is_owner(Oid function, Oid role) {
    const HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) return false;
    const bool is_owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->proowner == role;
    ReleaseSysCache(tuple);
    return is_owner;
}

// The function in which `role` reads; invalid if it does so by other ways.
Oid function_reading_as(Oid role) {
    const DefinerFrame* frame = innermost_definer();
    return frame && is_owner(frame->function, role) ? frame->function : InvalidOid;
}

}  // namespace

bool is_vouched(Oid function) { return voucher_of(function) == Voucher::in_force; }

bool is_vouched_for(Oid role) {
    const Oid function = function_reading_as(role);
    return OidIsValid(function) && is_vouched(function);
}

void note_crossing(const char* relation) {
    DefinerFrame* frame = innermost_definer();
    if (!frame || frame->is_noted) return;
    frame->is_noted = true;
    audit::count_function_use(frame->function);
    const char* role = GetUserNameFromId(GetSessionUserId(), true);
    audit::log_event("cross_tenant", {{"object", relation},
                                      {"function", format_procedure_qualified(frame->function)},
                                      {"role", role ? role : ""}});
}

const char* vouching_detail(Oid role) {
    const Oid function = function_reading_as(role);
    if (!OidIsValid(function) || voucher_of(function) != Voucher::other_definition) return nullptr;
    return psprintf("Function %s was changed since allow_function() vouched for it.",
                    format_procedure_qualified(function));
}

const char* vouching_hint(Oid role) {
    const Oid function = function_reading_as(role);
    if (!OidIsValid(function)) return nullptr;
    return psprintf("Run SELECT tenant_guard.allow_function(%s, 'reason') if the function must cross "
                    "tenants, or give it an owner to whom row security applies.",
                    quote_literal_cstr(format_procedure_qualified(function)));
}

bool is_vouched_running() {
    const DefinerFrame* frame = innermost_definer();
    return frame && is_vouched(frame->function);
}

void install_vouchers() {
    CacheRegisterSyscacheCallback(PROCOID, on_catalog_change, Datum{0});
    CacheRegisterSyscacheCallback(AUTHOID, on_catalog_change, Datum{0});
    pg::on_relation_changes(on_relation_change);
}

}  // namespace tg::guard
