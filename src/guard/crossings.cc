// See the header.
#include "guard/crossings.h"

#include "audit/event.h"
#include "catalog/installation.h"
#include "guard/relation_refusals.h"
#include "pg/compat.h"
#include "pg/verdict_basis.h"
#include "policy/relation_class.h"

extern "C" {
#include "access/parallel.h"
}

namespace tg::guard {

namespace {

bool log_crossings = true;
bool is_noted = false;  // in this transaction

void on_setting_change(bool, void*) { pg::change_verdict_basis(); }

void on_transaction_end(XactEvent event, void*) {
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        is_noted = false;
}

bool is_crossing(const pg::RelationAccess& access) {
    const bool can_be_classified = policy::is_last(access.relation, access.role) ||
                                   catalog::installation().state == catalog::InstallationState::ready;
    return can_be_classified &&
           policy::classify(access.relation, access.role) == policy::RelationClass::isolation_bypassed;
}

void note(const pg::RelationAccess& access) {
    if (IsParallelWorker()) return;
    is_noted = true;
    const char* role = GetUserNameFromId(GetSessionUserId(), true);
    const char* read_as = GetUserNameFromId(access.role, true);
    audit::log_event("cross_tenant", {{"object", qualified_name(access.relation)},
                                      {"role", role ? role : ""},
                                      {"read_as", read_as ? read_as : ""}});
}

}  // namespace

bool note_unguarded_crossing(List* entries) {
    if (is_noted) return false;
    if (!log_crossings) return true;
    ListCell* cell;
    foreach (cell, entries) {
        pg::RelationAccess access;
        if (!pg::read_access(lfirst(cell), access) || !is_crossing(access)) continue;
        note(access);
        return false;
    }
    return true;
}

void install_crossings() {
    DefineCustomBoolVariable(
        "tenant_guard.log_crossings",
        "Logs each transaction that passes by the row security of protected relations unguarded.",
        nullptr, &log_crossings, true, PGC_SUSET, 0, nullptr, on_setting_change, nullptr);
    RegisterXactCallback(on_transaction_end, nullptr);
}

}  // namespace tg::guard
