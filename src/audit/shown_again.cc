// See the header. The hooks come into the chains when they are first needed, before everybody who is there.
#include "audit/shown_again.h"

#include "audit/redaction.h"
#include "pg/compat.h"

extern "C" {
#include "executor/executor.h"
#include "optimizer/planner.h"
#include "tcop/utility.h"
}

namespace tg::audit {

namespace {

bool is_installed = false;

planner_hook_type next_planner = nullptr;
ExecutorStart_hook_type next_start = nullptr;
ExecutorRun_hook_type next_run = nullptr;
ProcessUtility_hook_type next_utility = nullptr;

PlannedStmt* plan(Query* query, const char* text, int cursor_options, ParamListInfo parameters) {
    hide_running_statement();
    return next_planner(query, text, cursor_options, parameters);
}

void start(QueryDesc* query, int flags) {
    hide_running_statement();
    next_start(query, flags);
}

void run(TG_EXECUTOR_RUN_PARAMETERS) {
    hide_running_statement();
    next_run(TG_EXECUTOR_RUN_ARGUMENTS);
}

void utility(PlannedStmt* planned, const char* text, bool read_only_tree, ProcessUtilityContext context,
             ParamListInfo parameters, QueryEnvironment* environment, DestReceiver* receiver, QueryCompletion* completion) {
    hide_running_statement();
    next_utility(planned, text, read_only_tree, context, parameters, environment, receiver, completion);
}

}  // namespace

void keep_hiding() {
    if (is_installed) return;
    is_installed = true;
    next_planner = planner_hook ? planner_hook : standard_planner;
    planner_hook = plan;
    next_start = ExecutorStart_hook ? ExecutorStart_hook : standard_ExecutorStart;
    ExecutorStart_hook = start;
    next_run = ExecutorRun_hook ? ExecutorRun_hook : standard_ExecutorRun;
    ExecutorRun_hook = run;
    next_utility = ProcessUtility_hook ? ProcessUtility_hook : standard_ProcessUtility;
    ProcessUtility_hook = utility;
}

}  // namespace tg::audit
