// Whether a role migrates: owns something in this database, or has the rights of a role that does. Under a
// database-wide `always`, who owns nothing has no migration to run and is held to every rule.
#pragma once

#include "pg/server.h"

namespace tg::enforcement {

// True if the role owns the database, a schema or a lasting relation in it, by itself or by membership. Needs a transaction. What is new may be noticed one statement late, which only refuses.
bool owns_something(Oid role);

void install_ownership();

}  // namespace tg::enforcement
