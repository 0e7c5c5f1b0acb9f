// Plans of untrusted transactions as they are made, started and run: only reading ones, within the limits,
// and started while the transaction was untrusted already.
#pragma once

#include "pg/server.h"

namespace tg::guard {

void install_untrusted_execution();

}  // namespace tg::guard
