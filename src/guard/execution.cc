// See the header.
#include "guard/execution.h"

#include "audit/redaction.h"
#include "context/tenant_context.h"
#include "enforcement/profile.h"
#include "guard/cleared_plans.h"
#include "guard/expiry.h"
#include "guard/foreign_key_query.h"
#include "guard/open_cursors.h"
#include "guard/relations.h"
#include "guard/untrusted_execution.h"
#include "pg/compat.h"
#include "pg/foreign_changes.h"
#include "session/reading.h"

extern "C" {
#include "access/parallel.h"
#include "executor/executor.h"
}

namespace tg::guard {

namespace {

ExecutorStart_hook_type next_start = nullptr;
ExecutorRun_hook_type next_run = nullptr;

void start_plan(QueryDesc* query, int flags) {
    if (IsParallelWorker()) return start_in_worker(query, flags, next_start);
    if (enforcement::is_untrusted()) return start_untrusted(query, flags, next_start);
    next_start(query, flags);
}

void start_in_foreign_key(QueryDesc* query, int flags) {
    start_plan(query, flags);
    note_started_plan(query);
}

pg_noinline void check_and_start(QueryDesc* query, int flags, uint64 roles) {
    const PlannedStmt* planned = query->plannedstmt;
    if (planned->parallelModeNeeded) audit::redact_source(query);
    note_start(planned, roles);
    const context::TenantContext* tenant = context::current();
    if (tenant && !IsParallelWorker()) {
        if (context::is_expired(*tenant)) check_expiry(planned);
        if (!is_known_plan(number_of(planned))) check_running_name(number_of(planned));
    }
    note_starting(planned);
    if (InNoForceRLSOperation()) return start_in_foreign_key(query, flags);
    start_plan(query, flags);
}

void start(QueryDesc* query, int flags) {
    const uint64 roles = enforcement::role_changes();
    pg::take_in_foreign_changes();
    if (!may_pass(query->plannedstmt)) return check_and_start(query, flags, roles);
    let_through(query->plannedstmt);
    next_start(query, flags);
}

// What follows the rules of untrusted transactions.
void run_plan(TG_EXECUTOR_RUN_PARAMETERS) { session::run_reading(next_run, TG_EXECUTOR_RUN_ARGUMENTS); }

pg_noinline void check_and_run(TG_EXECUTOR_RUN_PARAMETERS) {
    if (context::current() && is_fetch() && !is_foreign_key_query(query)) check_plan(query->plannedstmt);
    if (enforcement::is_untrusted()) return run_untrusted(TG_EXECUTOR_RUN_ARGUMENTS, run_plan);
    run_plan(TG_EXECUTOR_RUN_ARGUMENTS);
}

void run(TG_EXECUTOR_RUN_PARAMETERS) {
    if (is_fetch() || enforcement::is_untrusted()) return check_and_run(TG_EXECUTOR_RUN_ARGUMENTS);
    session::run_reading(next_run, TG_EXECUTOR_RUN_ARGUMENTS);
}

}  // namespace

void install_execution() {
    next_start = ExecutorStart_hook ? ExecutorStart_hook : standard_ExecutorStart;
    ExecutorStart_hook = start;
    next_run = ExecutorRun_hook ? ExecutorRun_hook : standard_ExecutorRun;
    ExecutorRun_hook = run;
}

}  // namespace tg::guard
