// See the header. Every statement of an expired transaction is refused but the one that presents a
// fresh token, so a long report cannot outlive the permission it was started with.
#include "guard/expiry.h"

#include "audit/refusals.h"
#include "catalog/installation.h"
#include "context/tenant_context.h"
#include "pg/refuse.h"

namespace tg::guard {

namespace {

enum class Expiry : int { statement, transaction };

int expiry_setting = static_cast<int>(Expiry::statement);

const config_enum_entry expiry_options[] = {
    {"statement", static_cast<int>(Expiry::statement), false},
    {"transaction", static_cast<int>(Expiry::transaction), false},
    {nullptr, 0, false},
};

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

void check_expiry(const PlannedStmt* planned) {
    if (has_expired() && !calls_authenticate(planned)) refuse_expired();
}

void install_expiry() {
    DefineCustomEnumVariable(
        "tenant_guard.expiry", "Sets what happens when a token expires while its transaction runs.",
        "statement: the next statement is refused. transaction: expiry is checked by authenticate() "
        "only.",
        &expiry_setting, static_cast<int>(Expiry::statement), expiry_options, PGC_SUSET, 0, nullptr,
        nullptr, nullptr);
}

}  // namespace tg::guard
