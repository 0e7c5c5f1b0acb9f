// See the header. Looked up by name once, then kept until pg_proc, pg_namespace or one of our tables
// changes: creating, updating or dropping the extension touches all of them.
#include "catalog/installation.h"

#include "pg/compat.h"
#include "pg/relation_changes.h"
#include "pg/verdict_basis.h"

extern "C" {
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_index.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/relcache.h"
}

namespace tg::catalog {

namespace {

constexpr const char* extension_name = "tenant_guard";

// Counts the changes that this session has heard of.
uint64 changes = 1;

Installation known{};
// What is known counts only for the number of changes it was looked up under, so that neither a change
// that arrives during a look-up nor an error in one leaves something stale.
uint64 known_at = 0;

void read_version(Oid extension, char* out, std::size_t size) {
    Relation table = table_open(ExtensionRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(extension));
    SysScanDesc scan = systable_beginscan(table, ExtensionOidIndexId, true, nullptr, 1, &key);
    const HeapTuple tuple = systable_getnext(scan);
    if (HeapTupleIsValid(tuple)) {
        bool is_null = false;
        const Datum version =
            heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(table), &is_null);
        if (!is_null) strlcpy(out, TextDatumGetCString(version), size);
    }
    systable_endscan(scan);
    table_close(table, AccessShareLock);
}

bool find_table(Oid schema, const char* name, Oid& out) {
    out = get_relname_relid(name, schema);
    return OidIsValid(out);
}

// From the catalog itself: opening the table would read all about it, and most sessions use few of ours.
Oid primary_key_index(Oid table) {
    Relation indexes = table_open(IndexRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    SysScanDesc scan = systable_beginscan(indexes, IndexIndrelidIndexId, true, nullptr, 1, &key);
    Oid found = InvalidOid;
    for (HeapTuple tuple; HeapTupleIsValid(tuple = systable_getnext(scan));) {
        const auto* index = reinterpret_cast<const FormData_pg_index*>(GETSTRUCT(tuple));
        if (index->indisprimary && index->indisvalid && index->indimmediate) found = index->indexrelid;
    }
    systable_endscan(scan);
    table_close(indexes, AccessShareLock);
    return found;
}

bool find_keyed_table(Oid schema, const char* name, Oid& table_out, Oid& index_out) {
    if (!find_table(schema, name, table_out)) return false;
    // Waits for somebody who is dropping it, and then finds no key.
    LockRelationOid(table_out, AccessShareLock);
    index_out = primary_key_index(table_out);
    UnlockRelationOid(table_out, AccessShareLock);
    return OidIsValid(index_out);
}

bool find_authenticate(Oid schema, uint32& hash_out) {
    Oid argument = TEXTOID;
    oidvector* arguments = buildoidvector(&argument, 1);
    const Oid function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
                                         CStringGetDatum("authenticate"),
                                         PointerGetDatum(arguments), ObjectIdGetDatum(schema));
    pfree(arguments);
    if (!OidIsValid(function)) return false;
    hash_out = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(function));
    return true;
}

Installation look_up() {
    Installation found{};
    const Oid extension = get_extension_oid(extension_name, true);
    if (!OidIsValid(extension)) return found;  // absent
    read_version(extension, found.version, sizeof found.version);
    found.schema = get_namespace_oid(extension_name, true);
    // All are looked up in any case: who is guarded must be known of a damaged installation too.
    bool complete = OidIsValid(found.schema);
    complete &= find_keyed_table(found.schema, "guarded_roles", found.roles, found.roles_index);
    complete &= find_keyed_table(found.schema, "relations", found.relations, found.relations_index);
    complete &= find_keyed_table(found.schema, "attribute_restrictions", found.restrictions, found.restrictions_index);
    complete &= find_keyed_table(found.schema, "secure_views", found.secure_views, found.secure_views_index);
    complete &= find_keyed_table(found.schema, "revocations", found.revocations, found.revocations_index);
    complete &= find_keyed_table(found.schema, "vouchers", found.vouchers, found.vouchers_index);
    complete &= find_keyed_table(found.schema, "untrusted_vouchers", found.untrusted_vouchers,
                                 found.untrusted_vouchers_index);
    complete &= find_table(found.schema, "signing_keys", found.signing_keys);
    complete &= find_table(found.schema, "issuers", found.issuers);
    complete &= find_authenticate(found.schema, found.authenticate_hash);
    if (std::string_view{found.version} != TG_VERSION)
        found.state = InstallationState::other_version;
    else
        found.state = complete ? InstallationState::ready : InstallationState::incomplete;
    return found;
}

void on_catalog_change(Datum, int, uint32) {
    changes++;
    pg::change_verdict_basis();
}

// What is missing is known by no OID: it may be back.
void on_relation_change(Datum, Oid relation) {
    if (!OidIsValid(relation) || known.state == InstallationState::incomplete || relation == known.relations || relation == known.roles ||
        relation == known.restrictions || relation == known.secure_views ||
        relation == known.signing_keys || relation == known.issuers ||
        relation == known.revocations || relation == known.vouchers ||
        relation == known.untrusted_vouchers)
        changes++;
}

}  // namespace

const Installation& installation() {
    while (known_at != changes) {
        const uint64 looked_up_at = changes;
        known = look_up();
        known_at = looked_up_at;
    }
    return known;
}

const Installation& require_installation() {
    const Installation& found = installation();
    switch (found.state) {
        case InstallationState::ready:
            break;
        case InstallationState::absent:
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("extension \"%s\" is not installed in this database", extension_name),
                     errdetail("The library is loaded, but its tables and functions are missing."),
                     errhint("Run CREATE EXTENSION %s.", extension_name)));
            break;
        case InstallationState::incomplete:
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("extension \"%s\" is damaged in this database", extension_name),
                     errdetail("One of its tables or functions was dropped or renamed."),
                     errhint("Restore it from a dump, or run DROP EXTENSION %s CASCADE, CREATE "
                             "EXTENSION %s and SELECT tenant_guard.protect_all().",
                             extension_name, extension_name)));
            break;
        case InstallationState::other_version:
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("extension \"%s\" and its library are of different versions",
                            extension_name),
                     errdetail("The library loaded by \"shared_preload_libraries\" is version %s, "
                               "the extension in this database is version %s.",
                               TG_VERSION, found.version),
                     errhint("Run ALTER EXTENSION %s UPDATE, or restart the server after installing "
                             "the library.",
                             extension_name)));
            break;
    }
    return found;
}

bool tells_of_declarations(Oid relation) {
    return relation == known.relations || relation == known.relations_index;
}

void install() {
    CacheRegisterSyscacheCallback(PROCOID, on_catalog_change, Datum{0});
    CacheRegisterSyscacheCallback(NAMESPACEOID, on_catalog_change, Datum{0});
    pg::on_relation_changes(on_relation_change);
}

}  // namespace tg::catalog
