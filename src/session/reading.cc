// See the header.
#include "session/reading.h"

#include "pg/compat.h"
#include "pg/hook.h"

namespace tg::session {

namespace {

bool reading = false;
ExecutorRun_hook_type next_run = nullptr;

void run(TG_EXECUTOR_RUN_PARAMETERS) {
    auto pass_on = [&] {
        auto* next = next_run ? next_run : standard_ExecutorRun;
        next(TG_EXECUTOR_RUN_ARGUMENTS);
    };
    if (reading || !pg::reads_relations(query->plannedstmt)) return pass_on();
    pg::with_flag(reading, pass_on);
}

}  // namespace

bool is_reading() { return reading; }

void install_reading() {
    next_run = ExecutorRun_hook;
    ExecutorRun_hook = run;
}

}  // namespace tg::session
