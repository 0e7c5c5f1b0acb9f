// What one statement of an untrusted transaction may cost, and whether it may write. The settings are a
// superuser's; the client cannot reach what enforces them: its own statement_timeout is not consulted,
// and temp_file_limit is not its to set.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::enforcement {

bool may_write_untrusted();

// Rows that one statement may return; 0: any number.
uint64 max_untrusted_rows();
void refuse_more_rows(Guarding guarding);

// Bounds the time of the running statement, which counts from the message of the client that brought
// it, and the temporary space of the transaction. Every later call changes nothing.
void bound_statement();

void install_untrusted_limits();

}  // namespace tg::enforcement
