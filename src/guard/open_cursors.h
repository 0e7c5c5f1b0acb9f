// Cursors that were opened before the transaction authenticated. Permissions are checked when a query
// starts, and a cursor reads on long after: FETCH would show what nobody may see who has a tenant.
#pragma once

namespace tg::guard {

void install_open_cursors();

}  // namespace tg::guard
