// What the server writes to its log and, with client_min_messages = log, shows to the client as well:
// plans with the rows that the filter removed (auto_explain), statements of functions, lock waits. That
// is what EXPLAIN ANALYZE is refused for, so a tenant gets none of it.
#pragma once

namespace tg::audit {

void install_client_log();

}  // namespace tg::audit
