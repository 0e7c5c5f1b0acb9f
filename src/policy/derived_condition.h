// The isolation condition of a relation without a tenant column: that its row of a parent belongs to the
// tenant. Written as SQL, because policies are, and made anew from the foreign key each time: a column
// that was renamed, or a key that is gone, can then never leave a stale condition behind.
#pragma once

#include "pg/server.h"

namespace tg::policy {

// EXISTS over the parent, every name qualified. Null if the foreign key is gone or the parent is not
// declared protected.
const char* derived_condition(Oid relation);

}  // namespace tg::policy
