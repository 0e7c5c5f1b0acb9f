// See the header. Every statement of an expired transaction is refused but the one that presents a
// fresh token, so a long report cannot outlive the permission it was started with.
#include "guard/expiry.h"

#include "audit/refusals.h"
#include "catalog/installation.h"
#include "context/tenant_context.h"
#include "pg/refuse.h"

extern "C" {
#include "access/parallel.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
}

namespace tg::guard {

namespace {

enum class Expiry : int { statement, transaction };

int expiry_setting = static_cast<int>(Expiry::statement);

const config_enum_entry expiry_options[] = {
    {"statement", static_cast<int>(Expiry::statement), false},
    {"transaction", static_cast<int>(Expiry::transaction), false},
    {nullptr, 0, false},
};

ExecutorStart_hook_type next_start = nullptr;

bool has_expired() {
    const context::TenantContext* tenant = context::current();
    return tenant && expiry_setting == static_cast<int>(Expiry::statement) &&
           context::is_expired(*tenant);
}

[[noreturn]] void refuse_expired() {
    const VerdictText& text = describe(Verdict::expired);
    audit::note_refused_statement({.is_refused = true,
                                   .sqlstate = text.sqlstate,
                                   .object = nullptr,
                                   .reason = text.reason.data()});
    pg::refuse_token(Verdict::expired);
}

void start(QueryDesc* query, int flags) {
    if (has_expired() && !IsParallelWorker() && !calls_authenticate(query->plannedstmt))
        refuse_expired();
    if (next_start)
        next_start(query, flags);
    else
        standard_ExecutorStart(query, flags);
}

}  // namespace

bool calls_authenticate(const PlannedStmt* planned) {
    const catalog::Installation& at = catalog::installation();
    if (at.state != catalog::InstallationState::ready) return false;
    ListCell* cell;
    foreach (cell, planned->invalItems) {
        const auto* item = static_cast<const PlanInvalItem*>(lfirst(cell));
        if (item->cacheId == PROCOID && item->hashValue == at.authenticate_hash) return true;
    }
    return false;
}

void check_expiry() {
    if (has_expired()) refuse_expired();
}

void install_expiry() {
    DefineCustomEnumVariable(
        "tenant_guard.expiry", "Sets what happens when a token expires while its transaction runs.",
        "statement: the next statement is refused. transaction: expiry is checked by authenticate() "
        "only.",
        &expiry_setting, static_cast<int>(Expiry::statement), expiry_options, PGC_SUSET, 0, nullptr,
        nullptr, nullptr);
    next_start = ExecutorStart_hook;
    ExecutorStart_hook = start;
}

}  // namespace tg::guard
