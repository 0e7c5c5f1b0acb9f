// What an untrusted transaction may run: queries that read, cursors, and next to nothing else. Queries
// are looked at as the executor starts, which cached plans and cursors cannot pass by.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::guard {

// Refuses a utility statement unless the untrusted profile allows it.
void check_untrusted_statement(enforcement::Guarding guarding, const Node* statement);

// Refuses a plan that writes or locks rows, unless writing is allowed.
void check_untrusted_plan(enforcement::Guarding guarding, const PlannedStmt* planned);

}  // namespace tg::guard
