// What an untrusted transaction may run: queries that read, cursors, and next to nothing else. Queries
// are looked at as the executor starts, which cached plans and cursors cannot pass by.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::guard {

// PREPARE TRANSACTION and what ends it: what is prepared stays when the client is gone, locks and all, and
// whose it is nobody asks.
bool is_two_phase(const Node* statement);

// Refuses a utility statement unless the untrusted profile allows it.
void check_untrusted_statement(enforcement::Guarding guarding, const Node* statement);

// Refuses a plan that writes or locks rows, unless writing is allowed.
void check_untrusted_plan(enforcement::Guarding guarding, const PlannedStmt* planned);

}  // namespace tg::guard
