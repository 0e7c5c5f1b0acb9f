// Plans of untrusted transactions as they are made, started and run: only reading ones, within the limits,
// and started while the transaction was untrusted already.
#pragma once

#include "pg/compat.h"

namespace tg::guard {

// Planning takes time as well, which is bounded as that of the execution is.
void bound_planning();

// The executor's start and run of an untrusted transaction, which go on with `next`.
void start_untrusted(QueryDesc* query, int flags, ExecutorStart_hook_type next);
void run_untrusted(TG_EXECUTOR_RUN_PARAMETERS, ExecutorRun_hook_type next);

}  // namespace tg::guard
