// See the header.
#include "policy/current_declarations.h"

#include "catalog/installation.h"
#include "pg/function.h"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "utils/snapmgr.h"
}

namespace tg::policy {

namespace {

// Whether a row is visible now and was not then, or the other way round.
bool has_changed(Oid relation, Snapshot then, Snapshot now) {
    if (!OidIsValid(relation)) return false;
    Relation table = table_open(relation, AccessShareLock);
    TupleTableSlot* slot = table_slot_create(table, nullptr);
    TableScanDesc scan = table_beginscan(table, SnapshotAny, 0, nullptr);
    bool changed = false;
    while (!changed && table_scan_getnextslot(scan, ForwardScanDirection, slot))
        changed = table_tuple_satisfies_snapshot(table, slot, then) != table_tuple_satisfies_snapshot(table, slot, now);
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    table_close(table, AccessShareLock);
    return changed;
}

}  // namespace

void require_current_declarations() {
    if (!IsolationUsesXactSnapshot()) return;
    const catalog::Installation& at = catalog::installation();
    Snapshot then = RegisterSnapshot(GetTransactionSnapshot());
    Snapshot now = RegisterSnapshot(GetLatestSnapshot());
    for (const Oid table : {at.relations, at.restrictions, Oid{InheritsRelationId}})
        if (has_changed(table, then, now))
            ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                            errmsg("could not serialize access to what is protected for tenant isolation"),
                            errdetail("Protection or inheritance of relations changed since the transaction began."),
                            errhint("Run the transaction again, or under READ COMMITTED.")));
    UnregisterSnapshot(now);
    UnregisterSnapshot(then);
}

}  // namespace tg::policy

TG_FUNCTION(tenant_guard_require_current_declarations) {
    tg::policy::require_current_declarations();
    PG_RETURN_VOID();
}
