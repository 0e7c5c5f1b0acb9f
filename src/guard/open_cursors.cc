// See the header. Every fetch from a named portal - DECLARE, a cursor of PL/pgSQL, Bind under a name -
// runs its query on, and is checked again; a query that is run at once is not.
#include "guard/open_cursors.h"

#include "context/tenant_context.h"
#include "guard/relations.h"
#include "pg/compat.h"

extern "C" {
#include "tcop/pquery.h"
#include "utils/portal.h"
}

namespace tg::guard {

namespace {

ExecutorRun_hook_type next_run = nullptr;

bool is_fetched() { return ActivePortal && ActivePortal->name[0] != '\0'; }

void run(TG_EXECUTOR_RUN_PARAMETERS) {
    if (context::current() && is_fetched()) check_plan(query->plannedstmt);
    auto* next = next_run ? next_run : standard_ExecutorRun;
    next(TG_EXECUTOR_RUN_ARGUMENTS);
}

}  // namespace

void install_open_cursors() {
    next_run = ExecutorRun_hook;
    ExecutorRun_hook = run;
}

}  // namespace tg::guard
