// What a relation is to the guard, when it is read as a certain role. The question is asked for every
// relation of every guarded execution, so the answer is kept per backend and dropped when relcache
// invalidation says that the relation changed.
#pragma once

#include "pg/server.h"

namespace tg::policy {

enum class RelationClass : uint8 {
    system,             // a catalog that tells nothing about tenants
    system_refused,     // a catalog that does
    own,                // of tenant_guard itself; privileges decide
    view,               // its relations are checked themselves
    temporary,          // this session's; usable in the transaction that made it
    temporary_foreign,  // of another session
    isolated,           // protected, and row security applies to the role
    isolation_off,      // protected, but row security is disabled or not forced, or the column is gone
    isolation_bypassed, // protected, but row security does not apply to the role
    shared,             // reference data, to read
    shared_writable,
    sequence,
    unprotected,
};

namespace state {
// The last answer. A look-up by key asks about one relation, several times.
struct Classified {
    Oid relation = InvalidOid;
    Oid role = InvalidOid;
    RelationClass relation_class = RelationClass::unprotected;
};
inline Classified last;
}  // namespace state

inline bool is_last(Oid relation, Oid role) {
    return state::last.relation == relation && state::last.role == role;
}

RelationClass classify_another(Oid relation, Oid role);

// `relation` read as `role`. Needs a ready installation and a transaction.
inline RelationClass classify(Oid relation, Oid role) {
    return is_last(relation, role) ? state::last.relation_class : classify_another(relation, role);
}

// The row of tenant_guard.relations for a relation: what an administrator declared.
struct Declaration {
    bool is_protected;
    bool is_derived;  // protected through a foreign key, and so without a tenant column
    bool is_shared;
    bool is_writable;
    NameData tenant_column;
    Oid parent;
    NameData parent_constraint;
};
Declaration read_declaration(Oid relation);

// Whether row security is enabled on the relation, by whomever.
bool has_row_security(Oid relation);

// True if the isolation policy is on the relation as protect() made it: then the floor has nothing to
// add. Kept with the class.
bool has_isolation_policy(Relation relation);

void install_relation_class();

}  // namespace tg::policy
