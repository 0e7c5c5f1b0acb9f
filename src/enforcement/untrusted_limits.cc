// See the header.
#include "enforcement/untrusted_limits.h"

#include "enforcement/refusal.h"

extern "C" {
#include "storage/fd.h"
#include "utils/timeout.h"
}

namespace tg::enforcement {

namespace {

bool writes_setting = false;
int timeout_setting = 30000;       // milliseconds
int rows_setting = 100000;         // rows
int temp_setting = 1024 * 1024;    // kilobytes

// The server's own timer: it takes the timer away when the statement is done.
void bound_time() {
    if (timeout_setting == 0) return;
    const TimestampTz end =
        TimestampTzPlusMilliseconds(GetCurrentStatementStartTimestamp(), timeout_setting);
    if (get_timeout_active(STATEMENT_TIMEOUT) && get_timeout_finish_time(STATEMENT_TIMEOUT) <= end)
        return;
    enable_timeout_at(STATEMENT_TIMEOUT, end);
}

void bound_temporary_space() {
    if (temp_setting == 0 || IsInParallelMode()) return;
    if (temp_file_limit >= 0 && temp_file_limit <= temp_setting) return;
    set_config_option("temp_file_limit", psprintf("%d", temp_setting), PGC_SUSET, PGC_S_SESSION,
                      GUC_ACTION_LOCAL, true, ERROR, false);
}

}  // namespace

bool may_write_untrusted() { return writes_setting; }

uint64 max_untrusted_rows() { return static_cast<uint64>(rows_setting); }

void refuse_more_rows(Guarding guarding) {
    refuse(guarding, {.sqlstate = ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                      .message = psprintf("the statement returns more than %d rows", rows_setting),
                      .detail = "\"tenant_guard.untrusted_max_rows\" bounds what a statement of an "
                                "untrusted transaction returns.",
                      .hint = "Aggregate, or add a LIMIT.",
                      .object = "tenant_guard.untrusted_max_rows"});
}

void bound_statement() {
    bound_time();
    bound_temporary_space();
}

void install_untrusted_limits() {
    DefineCustomBoolVariable("tenant_guard.untrusted_writes",
                             "Lets untrusted transactions change rows and lock them.", nullptr,
                             &writes_setting, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("tenant_guard.untrusted_statement_timeout",
                            "Sets the longest time that a statement of an untrusted transaction may take.",
                            "0: no limit but \"statement_timeout\".", &timeout_setting, timeout_setting, 0,
                            INT_MAX, PGC_SUSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("tenant_guard.untrusted_max_rows",
                            "Sets how many rows a statement of an untrusted transaction may return.",
                            "0: any number.", &rows_setting, rows_setting, 0, INT_MAX, PGC_SUSET, 0,
                            nullptr, nullptr, nullptr);
    DefineCustomIntVariable("tenant_guard.untrusted_temp_limit",
                            "Sets the temporary space that an untrusted transaction may use.",
                            "0: no limit but \"temp_file_limit\".", &temp_setting, temp_setting, 0,
                            INT_MAX, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
}

}  // namespace tg::enforcement
