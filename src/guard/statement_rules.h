// What a guarded transaction may do beyond queries. A statement that is not in the table is refused:
// a command that a new major brings is refused until somebody has thought about it.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::guard {

// Refuses the utility statement unless its rule allows it.
void check_statement(enforcement::Guarding guarding, Node* statement);

}  // namespace tg::guard
