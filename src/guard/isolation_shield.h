// Keeps DDL from taking the isolation off a protected relation, whoever runs it: unprotect() is the
// way, because it is an administrator's, and because it takes everything back.
#pragma once

#include "pg/server.h"

namespace tg::guard {

// Refuses DISABLE and NO FORCE ROW LEVEL SECURITY, changes of the tenant column or of the foreign key
// through which a relation is protected, and DROP, ALTER and RENAME of tenant_guard's policies on a
// protected relation, and DROP EXTENSION without CASCADE while any relation is protected.
void check_isolation_shield(Node* statement);

// Whether the statement, which does not name the extension, could drop it by CASCADE.
bool may_drop_extension(Node* statement);

// Refuses what such a statement did if the extension is gone: only DROP EXTENSION ... CASCADE closes
// the protected relations before it drops their isolation.
void check_extension_remains();

// CREATE POLICY of one of tenant_guard's policies on a relation that has it: a dump restored where
// new tables are protected as they are made.
bool is_repeated_policy(Node* statement);

// Instead of running it: takes its condition over if that only narrows the isolation, by attributes, of which nothing was
// known when the table was made. Otherwise there is nothing left to do.
void renew_repeated_policy(Node* statement);

// DISABLE and ENABLE TRIGGER ALL on a table of the extension: pg_dump --data-only --disable-triggers. Without
// its triggers a declaration would not replace the one made with the table, and no session would hear of
// it; and after such an ENABLE they would skip what replication brings. They stay as they are.
bool switches_own_triggers(Node* statement);

}  // namespace tg::guard
