// Lets a new foreign key be checked against the rows that are there. PostgreSQL asks for violations
// with a query as the owner of the table (RI_Initial_Check in ri_triggers.c): forced row security
// hides every row from that owner, nothing is found, and the constraint is marked as valid though
// rows violate it.
#pragma once

#include "pg/server.h"

namespace tg::guard {

// Whether the statement adds or validates foreign keys, by itself or by attaching a partition.
bool may_check_foreign_key(const Node* statement);

// Runs `work` so that forced row security does not apply to owners, as PostgreSQL runs the queries of
// its own foreign-key triggers. An error needs no cleaning up: it restores the security context with
// the transaction or subtransaction that it aborts (AbortTransaction, AbortSubTransaction).
template <typename Work>
void with_owners_sight(Work work) {
    Oid user;
    int security_context;
    GetUserIdAndSecContext(&user, &security_context);
    SetUserIdAndSecContext(user, security_context | SECURITY_NOFORCE_RLS);
    work();
    SetUserIdAndSecContext(user, security_context);
}

}  // namespace tg::guard
