// See the header. Owners are recorded in pg_shdepend, where one scan by role finds them; the answer is kept
// until somebody changes a relation, a schema, the database or a role.
#include "enforcement/ownership.h"

#include "pg/compat.h"
#include "pg/relation_changes.h"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_shdepend.h"
#include "utils/catcache.h"
}

namespace tg::enforcement {

namespace {

// Two roles are asked about: who logged in, and who SET ROLE made of it.
struct Answer {
    Oid role;
    uint64 known_at;
    bool owns;
};

Answer answers[2];
int oldest = 0;
uint64 changes = 1;

void on_change(Datum, int, uint32) { changes++; }
void on_relation_change(Datum, Oid) { changes++; }

// What needs migrations. A temporary table does not: anybody could make one, and be let off by it.
bool is_lasting_property(const FormData_pg_shdepend* entry) {
    if (entry->deptype != SHARED_DEPENDENCY_OWNER) return false;
    if (entry->classid == DatabaseRelationId) return entry->objid == MyDatabaseId;
    if (entry->dbid != MyDatabaseId) return false;
    if (entry->classid == NamespaceRelationId) return true;
    if (entry->classid != RelationRelationId) return false;
    const Oid schema = get_rel_namespace(entry->objid);
    return OidIsValid(schema) && !isAnyTempNamespace(schema);
}

bool is_owner_here(Oid role) {
    Relation table = table_open(SharedDependRelationId, AccessShareLock);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(AuthIdRelationId));
    ScanKeyInit(&keys[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(role));
    SysScanDesc scan = systable_beginscan(table, SharedDependReferenceIndexId, true, nullptr, 2, keys);
    bool found = false;
    HeapTuple tuple;
    while (!found && HeapTupleIsValid(tuple = systable_getnext(scan))) {
        found = is_lasting_property(reinterpret_cast<Form_pg_shdepend>(GETSTRUCT(tuple)));
    }
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return found;
}

// The role and all that it is a member of, directly or not.
List* roles_of(Oid role) {
    List* roles = list_make1_oid(role);
    for (int i = 0; i < list_length(roles); i++) {
        CatCList* memberships = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(list_nth_oid(roles, i)));
        for (int j = 0; j < memberships->n_members; j++) {
            const HeapTuple tuple = &memberships->members[j]->tuple;
            roles = list_append_unique_oid(
                roles, reinterpret_cast<Form_pg_auth_members>(GETSTRUCT(tuple))->roleid);
        }
        ReleaseSysCacheList(memberships);
    }
    return roles;
}

bool look_up(Oid role) {
    ListCell* cell;
    foreach (cell, roles_of(role))
        if (has_privs_of_role(role, lfirst_oid(cell)) && is_owner_here(lfirst_oid(cell))) return true;
    return false;
}

}  // namespace

bool owns_something(Oid role) {
    for (const Answer& answer : answers)
        if (answer.role == role && answer.known_at == changes) return answer.owns;
    const uint64 known_at = changes;
    const bool owns = look_up(role);
    answers[oldest] = {role, known_at, owns};
    oldest = 1 - oldest;
    return owns;
}

void install_ownership() {
    for (const int cache : {AUTHOID, AUTHMEMROLEMEM, NAMESPACEOID, DATABASEOID})
        CacheRegisterSyscacheCallback(cache, on_change, Datum{0});
    pg::on_relation_changes(on_relation_change);
}

}  // namespace tg::enforcement
