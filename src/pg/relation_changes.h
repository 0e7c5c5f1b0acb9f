// Who hears that a relation changed. A backend has room for ten callbacks of the relation cache (inval.c,
// MAX_RELCACHE_CALLBACKS), for the server's own and those of all modules, and the eleventh ends the
// session. So the library registers one, and passes on what it hears.
#pragma once

#include "pg/server.h"

namespace tg::pg {

// Calls `callback` as CacheRegisterRelcacheCallback() would; the relation is invalid when all may have
// changed.
void on_relation_changes(RelcacheCallbackFunction callback);

}  // namespace tg::pg
