// Under REPEATABLE READ and SERIALIZABLE, SQL sees what was declared when the transaction began, and DDL works on what is
// there now: a partition could join a parent whose protection is invisible, and stay open. So what changed is looked for.
#pragma once

namespace tg::policy {

// Raises SQLSTATE 40001 if declarations, restrictions or the inheritance of relations changed since the snapshot of the
// transaction. Does nothing under READ COMMITTED, whose statements see the latest.
void require_current_declarations();

}  // namespace tg::policy
