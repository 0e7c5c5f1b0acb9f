// What each tenant does, in shared memory: a row for each tenant that a verified token named.
#pragma once

#include "pg/server.h"

namespace tg::audit {

enum class Activity { transaction, statement_refused, statement_would_be_refused, token_refused };

// Counts one activity of a tenant. Never raises an error; tenants for whom there is no room are counted
// together.
void count_activity(std::string_view tenant, Activity activity);

void install_tenant_activity();

}  // namespace tg::audit
