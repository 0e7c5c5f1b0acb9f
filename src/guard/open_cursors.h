// Cursors that were opened before the transaction authenticated. Permissions are checked when a query
// starts, and a cursor reads on long after: FETCH would show what nobody may see who has a tenant.
#pragma once

#include "pg/server.h"

extern "C" {
#include "tcop/pquery.h"
#include "utils/portal.h"
}

namespace tg::guard {

// Every fetch from a named portal - DECLARE, a cursor of PL/pgSQL, Bind under a name - runs its query on,
// and is to be checked again; a query that is run at once is not.
inline bool is_fetch() { return ActivePortal && ActivePortal->name[0] != '\0'; }

}  // namespace tg::guard
