// See the header.
#include "policy/relation_class.h"

#include "catalog/installation.h"
#include "pg/relation_changes.h"
#include "policy/attribute_condition.h"
#include "policy/derived_condition.h"
#include "policy/isolation_qual.h"
#include "policy/system_catalogs.h"

extern "C" {
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_inherits.h"
#include "utils/hsearch.h"
#include "utils/rls.h"
}

namespace tg::policy {

namespace {

enum class PolicyState : uint8 { unknown, intact, missing };

struct Entry {
    Oid relation;  // the hash key
    Oid role;      // for whom `relation_class` holds; invalid: not classified yet
    RelationClass relation_class;
    PolicyState policy;
};

HTAB* entries = nullptr;

// Counts the invalidations heard of. Looking a relation up may process some; an answer counts only if
// none arrived while it was made.
uint64 changes = 0;

Entry& entry_of(Oid relation) {
    if (!entries) {
        HASHCTL control{};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(Entry);
        entries = hash_create("tenant_guard relation classes", 256, &control, HASH_ELEM | HASH_BLOBS);
    }
    bool found = false;
    auto* entry = static_cast<Entry*>(hash_search(entries, &relation, HASH_ENTER, &found));
    if (!found) {
        entry->role = InvalidOid;
        entry->policy = PolicyState::unknown;
    }
    return *entry;
}

void forget_everything() {
    changes++;
    state::last = {};
    if (!entries) return;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, entries);
    while (auto* entry = static_cast<Entry*>(hash_seq_search(&scan)))
        hash_search(entries, &entry->relation, HASH_REMOVE, nullptr);
}

void on_relation_change(Datum, Oid relation) {
    changes++;
    state::last = {};
    if (!OidIsValid(relation) || catalog::tells_of_declarations(relation))
        forget_everything();
    else if (entries)
        hash_search(entries, &relation, HASH_REMOVE, nullptr);
}

// Attributes and memberships of roles decide to whom row security applies.
void on_role_change(Datum, int, uint32) { forget_everything(); }

// The server's own answer. Not that of a foreign key's query, in which it does not force row security on
// owners: the answer is kept for other times.
bool applies_row_security(Oid relation, Oid role) {
    Oid user = InvalidOid;
    int security_context = 0;
    GetUserIdAndSecContext(&user, &security_context);
    SetUserIdAndSecContext(user, security_context & ~SECURITY_NOFORCE_RLS);
    const bool applies = check_enable_rls(relation, role, true) == RLS_ENABLED;
    SetUserIdAndSecContext(user, security_context);
    return applies;
}

// Row security does not check what is written to a foreign table through its parent. DDL that makes one a part is refused;
// this is for what was there before, or came while the event trigger was off.
bool has_foreign_part(const Form_pg_class form) {
    if (!form->relhassubclass) return false;
    ListCell* cell;
    foreach (cell, find_all_inheritors(form->oid, NoLock, nullptr))
        if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE) return true;
    return false;
}

RelationClass classify_protected(const Form_pg_class form, const Declaration& declaration, Oid role) {
    if (!form->relrowsecurity || !form->relforcerowsecurity) return RelationClass::isolation_off;
    if (has_foreign_part(form)) return RelationClass::isolation_off;
    const bool can_be_isolated =
        declaration.is_derived
            ? derived_condition(form->oid) != nullptr
            : get_attnum(form->oid, NameStr(declaration.tenant_column)) != InvalidAttrNumber;
    List* restrictions = NIL;
    if (!can_be_isolated || !attribute_conditions(form->oid, restrictions)) return RelationClass::isolation_off;
    return applies_row_security(form->oid, role) ? RelationClass::isolated : RelationClass::isolation_bypassed;
}

// A table that somebody else put into our schema is a table like any other.
bool is_member(Oid relation) {
    const Oid extension = get_extension_oid("tenant_guard", true);
    return OidIsValid(extension) && getExtensionOfObject(RelationRelationId, relation) == extension;
}

RelationClass classify_form(const Form_pg_class form, Oid role) {
    if (form->relnamespace == PG_CATALOG_NAMESPACE)
        return is_refused_catalog(form->oid) ? RelationClass::system_refused : RelationClass::system;
    if (IsToastNamespace(form->relnamespace)) return RelationClass::system_refused;
    if (form->relnamespace == catalog::installation().schema && is_member(form->oid))
        return RelationClass::own;
    if (form->relkind == RELKIND_VIEW) return RelationClass::view;
    if (form->relpersistence == RELPERSISTENCE_TEMP)
        return isTempOrTempToastNamespace(form->relnamespace) ? RelationClass::temporary
                                                              : RelationClass::temporary_foreign;
    if (is_information_schema(form->relnamespace)) return RelationClass::system;
    if (form->relkind == RELKIND_SEQUENCE) return RelationClass::sequence;

    const Declaration declaration = read_declaration(form->oid);
    if (declaration.is_protected) return classify_protected(form, declaration, role);
    if (declaration.is_shared)
        return declaration.is_writable ? RelationClass::shared_writable : RelationClass::shared;
    return RelationClass::unprotected;
}

RelationClass look_up_class(Oid relation, Oid role) {
    const HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple)) return RelationClass::unprotected;  // dropped meanwhile
    const RelationClass found =
        classify_form(reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple)), role);
    ReleaseSysCache(tuple);
    return found;
}

}  // namespace

RelationClass classify_another(Oid relation, Oid role) {
    const Entry* cached = &entry_of(relation);
    if (cached->role != role) {
        uint64 looked_up_at;
        RelationClass found;
        do {
            looked_up_at = changes;
            found = look_up_class(relation, role);
        } while (looked_up_at != changes);
        Entry& entry = entry_of(relation);
        entry.role = role;
        entry.relation_class = found;
        cached = &entry;
    }
    state::last = {relation, role, cached->relation_class};
    return cached->relation_class;
}

bool has_row_security(Oid relation) {
    const HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple)) return false;
    const bool enabled = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relrowsecurity;
    ReleaseSysCache(tuple);
    return enabled;
}

Declaration read_declaration(Oid relation) {
    Declaration found{};
    const catalog::Installation& at = catalog::installation();
    if (!OidIsValid(at.relations)) return found;
    Relation table = table_open(at.relations, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(table, at.relations_index, true, nullptr, 1, &key);
    const HeapTuple tuple = systable_getnext(scan);
    if (HeapTupleIsValid(tuple)) {
        const TupleDesc shape = RelationGetDescr(table);
        bool is_null = false;
        const Datum status = heap_getattr(tuple, 2, shape, &is_null);
        const char* word = is_null ? "" : TextDatumGetCString(status);
        found.is_derived = std::strcmp(word, "derived") == 0;
        found.is_protected = found.is_derived || std::strcmp(word, "protected") == 0;
        found.is_shared = std::strcmp(word, "shared") == 0;
        const Datum column = heap_getattr(tuple, 3, shape, &is_null);
        if (!is_null) namestrcpy(&found.tenant_column, NameStr(*DatumGetName(column)));
        const Datum writable = heap_getattr(tuple, 4, shape, &is_null);
        found.is_writable = !is_null && DatumGetBool(writable);
        // Before ALTER EXTENSION UPDATE the table of an older version has fewer columns, and nothing derived.
        if (found.is_derived) {
            const Datum parent = heap_getattr(tuple, 10, shape, &is_null);
            if (!is_null) found.parent = DatumGetObjectId(parent);
            const Datum constraint = heap_getattr(tuple, 11, shape, &is_null);
            if (!is_null) namestrcpy(&found.parent_constraint, NameStr(*DatumGetName(constraint)));
        }
    }
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return found;
}

bool has_isolation_policy(Relation relation) {
    const Oid oid = RelationGetRelid(relation);
    const PolicyState cached = entry_of(oid).policy;
    if (cached != PolicyState::unknown) return cached == PolicyState::intact;
    const uint64 looked_up_at = changes;
    const Declaration declared = read_declaration(oid);
    const bool intact = declared.is_protected &&
                        is_isolation_policy_intact(relation, declared);
    if (looked_up_at == changes)
        entry_of(oid).policy = intact ? PolicyState::intact : PolicyState::missing;
    return intact;
}

void install_relation_class() {
    pg::on_relation_changes(on_relation_change);
    CacheRegisterSyscacheCallback(AUTHOID, on_role_change, Datum{0});
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, on_role_change, Datum{0});
}

}  // namespace tg::policy
