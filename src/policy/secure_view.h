// The view through which a relation without row security may be read: secure_view() makes it and declares it, and it is
// trusted while it still says exactly that.
#pragma once

#include "pg/server.h"

namespace tg::policy {

// The declared view of a materialized view or foreign table, if it is one that is intact: owned by the relation's owner, a
// security barrier, and nothing but columns of the relation under the isolation condition. Invalid otherwise.
Oid secure_view_of(Oid relation);

}  // namespace tg::policy
