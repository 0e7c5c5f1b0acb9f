// What of the extension exists in this database: its tables and functions by OID. The library is in
// every backend, the extension only in the databases where it was created, and somebody may have
// dropped a part of it or installed another version: then the guard must refuse, not look away.
#pragma once

#include "pg/server.h"

namespace tg::catalog {

enum class InstallationState { absent, incomplete, other_version, ready };

struct Installation {
    InstallationState state;
    Oid schema;
    Oid relations;        // which relation is protected or shared
    Oid relations_index;  // its primary key (relation)
    Oid restrictions;        // by which attributes
    Oid restrictions_index;  // its primary key (relation, column, attribute)
    Oid secure_views;        // through which relations without row security are read
    Oid secure_views_index;  // its primary key (relation)
    Oid roles;            // roles named by guard_role()
    Oid roles_index;      // its primary key (role)
    Oid signing_keys;
    Oid issuers;
    Oid revocations;
    Oid revocations_index;  // its primary key (kind, value)
    Oid vouchers;           // functions named by allow_function()
    Oid vouchers_index;     // its primary key (function)
    Oid untrusted_vouchers;        // functions named by allow_untrusted_function()
    Oid untrusted_vouchers_index;  // its primary key (function)
    uint32 authenticate_hash;  // of authenticate()'s pg_proc entry, as plans record it
    char version[32];          // as installed
};

// Cached until something of it changes. Needs a transaction.
const Installation& installation();

// The installation if it is ready; otherwise an error that says what is wrong and what to run.
const Installation& require_installation();

// Whether an invalidation of this relation says that some declaration changed. Looks nothing up: invalidation callbacks
// must not read catalogs. Changed rows are told by the table's index, since plans depend on tables: each statement of ours
// about declarations would be planned anew after each declaration.
bool tells_of_declarations(Oid relation);

void install();

}  // namespace tg::catalog
