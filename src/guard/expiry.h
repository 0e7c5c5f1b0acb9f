// Tokens that expire while their transaction runs, and how a plan is seen to authenticate.
#pragma once

#include "pg/server.h"

namespace tg::guard {

// Whether the plan calls tenant_guard.authenticate().
bool calls_authenticate(const PlannedStmt* planned);

// Raises "token expired" if the running transaction's token has, and tenant_guard.expiry says that
// the next statement must notice. A plan that presents a fresh token may start.
void check_expiry();
void check_expiry(const PlannedStmt* planned);

void install_expiry();

}  // namespace tg::guard
