// How often each vouched function crossed tenants, in shared memory, since the server started.
#pragma once

#include "pg/server.h"

namespace tg::audit {

void count_function_use(Oid function);

void install_function_uses();

}  // namespace tg::audit
