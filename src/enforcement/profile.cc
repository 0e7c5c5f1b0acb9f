// See the header.
#include "enforcement/profile.h"

namespace tg::enforcement {

namespace {

int profile = static_cast<int>(Profile::application);  // the setting
// The nesting level of the (sub)transaction whose end takes `untrusted` with it; 0: the setting alone decides.
int untrusted_level = 0;

constexpr const char* setting_name = "tenant_guard.profile";

const config_enum_entry profile_options[] = {
    {"application", static_cast<int>(Profile::application), false},
    {"untrusted", static_cast<int>(Profile::untrusted), false},
    {nullptr, 0, false},
};

bool says_untrusted() { return profile == static_cast<int>(Profile::untrusted); }

void assign(int value, void*) {
    state::is_untrusted = untrusted_level > 0 || value == static_cast<int>(Profile::untrusted);
}

void set_untrusted_level(int level) {
    untrusted_level = level;
    assign(profile, nullptr);
}

// A superuser's function with a SET clause of its own would otherwise loosen what the transaction said.
bool check(int* value, void**, GucSource) {
    if (untrusted_level == 0 || *value == static_cast<int>(Profile::untrusted)) return true;
    GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
    GUC_check_errmsg("parameter \"%s\" cannot be taken back in an untrusted transaction", setting_name);
    GUC_check_errhint("End the transaction.");
    return false;
}

void on_transaction_end(XactEvent event, void*) {
    switch (event) {
        case XACT_EVENT_COMMIT:
        case XACT_EVENT_ABORT:
        case XACT_EVENT_PREPARE:
            set_untrusted_level(0);
            break;
        default:
            break;
    }
}

void on_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    const int level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_ABORT_SUB && untrusted_level >= level) set_untrusted_level(0);
    if (event == SUBXACT_EVENT_COMMIT_SUB && untrusted_level == level) set_untrusted_level(level - 1);
}

}  // namespace

void make_untrusted() {
    if (!says_untrusted())
        set_config_option(setting_name, "untrusted", PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true,
                          ERROR, false);
    if (untrusted_level == 0) set_untrusted_level(GetCurrentTransactionNestLevel());
}

Guarding guarding_untrusted() {
    if (!is_untrusted()) return Guarding::none;
    if (InNoForceRLSOperation() || GetUserId() != GetOuterUserId()) return Guarding::none;
    const Guarding mode = guarding_beyond_relations();
    // What the role came with holds to the end of the transaction as well.
    if (mode != Guarding::none && untrusted_level == 0)
        set_untrusted_level(GetCurrentTransactionNestLevel());
    return mode;
}

bool is_tightening(const VariableSetStmt* statement) {
    if (!statement->name || pg_strcasecmp(statement->name, setting_name) != 0) return false;
    if (statement->kind != VAR_SET_VALUE || !statement->is_local) return false;
    const char* value = ExtractSetVariableArgs(const_cast<VariableSetStmt*>(statement));
    return value && pg_strcasecmp(value, "untrusted") == 0;
}

void tighten() {
    PreventCommandIfParallelMode("SET LOCAL");
    WarnNoTransactionBlock(true, "SET LOCAL");
    make_untrusted();
}

void install_profile() {
    DefineCustomEnumVariable(
        setting_name, "Sets how much a guarded transaction may do.",
        "application: what an application needs. untrusted: reads with functions of an allow-list, "
        "within limits. A client may SET LOCAL it to untrusted; nobody takes that back in the "
        "transaction.",
        &profile, static_cast<int>(Profile::application), profile_options, PGC_SUSET, 0, check, assign,
        nullptr);
    RegisterXactCallback(on_transaction_end, nullptr);
    RegisterSubXactCallback(on_subtransaction_end, nullptr);
}

}  // namespace tg::enforcement
