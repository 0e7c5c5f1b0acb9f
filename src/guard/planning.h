// The guard when a statement is planned: EXPLAIN and PREPARE fail early, and a plan must be for the roles of this moment. The
// server decides that row security applies when it rewrites a query, and the guard judges what became of it; what changed
// in between would go through as isolated without being so (plan_freshness.h).
#pragma once

namespace tg::guard {

void install_planning();

}  // namespace tg::guard
