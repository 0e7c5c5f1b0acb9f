// What a guarded transaction may set: anything for itself with SET LOCAL, and for the session only
// what drivers set when they connect. A setting left on a pooled connection reaches the next tenant.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::guard {

// Refuses any SET or RESET of the tenant's own setting, for everybody. RESET runs no check hook.
void check_context_setting(const VariableSetStmt* statement);

void check_setting(enforcement::Guarding guarding, const VariableSetStmt* statement);

// set_config() was called: before the transaction commits, look for settings it would leave on the
// session. Its arguments are not known to any hook.
void note_set_config();

// The state of random() is known to whoever saw some of its values: the next user gets another.
void note_draw();

void install_setting_rules();

}  // namespace tg::guard
