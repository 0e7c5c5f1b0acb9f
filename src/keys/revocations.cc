// See the header. Entries are rows of tenant_guard.revocations (kind, value, issued_before, until),
// looked up by the primary key in a fresh catalog snapshot, on a standby as on the primary.
#include "keys/revocations.h"

#include "catalog/installation.h"
#include "pg/clock.h"
#include "pg/relation_changes.h"
#include "pg/text.h"

namespace tg::keys {

namespace {

enum RevocationColumn { column_kind = 1, column_value, column_issued_before, column_until };

Oid revocations_table = InvalidOid;
uint64 changes = 1;
uint64 known_at = 0;
bool is_empty = false;

void on_relation_change(Datum, Oid relation) {
    if (!OidIsValid(relation) || relation == revocations_table) changes++;
}

void look_for_any(Oid table_oid) {
    const uint64 looked_up_at = changes;
    Relation table = table_open(table_oid, AccessShareLock);
    SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
    is_empty = !HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    known_at = looked_up_at;
}

int64 unix_time_column(HeapTuple tuple, TupleDesc shape, int column, int64 if_null) {
    bool is_null = false;
    const Datum value = heap_getattr(tuple, column, shape, &is_null);
    return is_null ? if_null : pg::unix_time_us(DatumGetTimestampTz(value));
}

// An entry blocks tokens issued before its time, and those that do not say when they were issued.
bool blocks(HeapTuple tuple, TupleDesc shape, const jose::Token& token) {
    if (unix_time_column(tuple, shape, column_until, PG_INT64_MAX) <= pg::unix_now_us()) return false;
    const int64 issued_before = unix_time_column(tuple, shape, column_issued_before, PG_INT64_MAX);
    return !token.has_iat || token.issued_us < issued_before;
}

bool has_entry(const catalog::Installation& at, const char* kind, std::string_view value,
               const jose::Token& token) {
    if (value.empty()) return false;
    ScanKeyData keys[2];
    // The columns have collation "C", which is what ScanKeyInit() assumes.
    ScanKeyInit(&keys[0], column_kind, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(kind));
    ScanKeyInit(&keys[1], column_value, BTEqualStrategyNumber, F_TEXTEQ,
                PointerGetDatum(pg::text_of(value)));
    Relation table = table_open(at.revocations, AccessShareLock);
    SysScanDesc scan = systable_beginscan(table, at.revocations_index, true, nullptr, 2, keys);
    const HeapTuple tuple = systable_getnext(scan);
    const bool found =
        HeapTupleIsValid(tuple) && blocks(tuple, RelationGetDescr(table), token);
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return found;
}

}  // namespace

bool is_revoked(const jose::Token& token) {
    const catalog::Installation& at = catalog::require_installation();
    if (revocations_table != at.revocations) {
        revocations_table = at.revocations;
        changes++;
    }
    while (known_at != changes) look_for_any(at.revocations);
    if (is_empty) return false;
    return has_entry(at, "token", token.jti, token) || has_entry(at, "subject", token.subject, token) ||
           has_entry(at, "tenant", token.tenant, token);
}

void install_revocations() { pg::on_relation_changes(on_relation_change); }

}  // namespace tg::keys
