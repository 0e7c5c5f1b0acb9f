// Who may see every tenant's rows leaves a line when he does: superusers, roles with BYPASSRLS, and whoever reads
// through their views and functions while nobody guards him.
#pragma once

#include "pg/server.h"

namespace tg::guard {

// Logs, once per transaction, that these accesses of an unguarded statement pass by the row security of a
// protected relation. True if the next such statement has nothing to log either, while what verdicts rest on stays as it is.
bool note_unguarded_crossing(List* entries);

void install_crossings();

}  // namespace tg::guard
