// What is installed when the library is loaded, and in which order. Hooks are installed only from
// shared_preload_libraries: loaded later, into one session, the library could not vouch for what that
// session did before, so every function of it refuses instead (pg::require_preloaded).
#include "audit/function_uses.h"
#include "audit/client_log.h"
#include "audit/redaction.h"
#include "audit/refusals.h"
#include "audit/tenant_activity.h"
#include "audit/violations.h"
#include "catalog/installation.h"
#include "context/tenant_context.h"
#include "enforcement/mode.h"
#include "enforcement/ownership.h"
#include "enforcement/profile.h"
#include "enforcement/untrusted_limits.h"
#include "guard/analysis.h"
#include "guard/cleared_plans.h"
#include "guard/crossings.h"
#include "guard/definer_frames.h"
#include "guard/execution.h"
#include "guard/expiry.h"
#include "guard/function_rules.h"
#include "guard/parsed_settings.h"
#include "guard/planning.h"
#include "guard/prepared_names.h"
#include "guard/relations.h"
#include "guard/setting_rules.h"
#include "guard/statements.h"
#include "guard/untrusted_functions.h"
#include "guard/vouchers.h"
#include "keys/key_file.h"
#include "keys/key_store.h"
#include "keys/revocations.h"
#include "pg/compat.h"
#include "pg/foreign_changes.h"
#include "pg/refuse.h"
#include "pg/shared_table.h"
#include "policy/isolation_qual.h"
#include "policy/relation_class.h"
#include "policy/settings.h"
#include "session/authenticate.h"
#include "session/reading.h"
#include "session/remnants.h"
#include "session/token_setting.h"
#include "session/undoing.h"

#pragma GCC visibility push(default)
extern "C" {
TG_MODULE_MAGIC;
void _PG_init(void);
}
#pragma GCC visibility pop

void _PG_init(void) {
    using namespace tg;
    if (!process_shared_preload_libraries_in_progress) return;
    pg::set_preloaded();

    // What others read comes first; the hooks that refuse come last, when all they ask is there.
    audit::install_redaction();
    audit::install_client_log();
    audit::install_function_uses();
    audit::install_tenant_activity();
    audit::install_violations();
    pg::install_shared_tables();
    pg::install_foreign_changes();
    catalog::install();
    context::install(audit::note_forged_context);
    keys::install_key_file();
    keys::install();
    keys::install_revocations();
    policy::install_settings();
    policy::install_relation_class();
    policy::install_floor();
    enforcement::install_mode();
    enforcement::install_profile();
    enforcement::install_untrusted_limits();
    enforcement::install_ownership();
    session::install_authenticate(guard::check_authenticating_name);
    session::install_token_setting();
    session::install_remnants();
    session::install_undoing();
    session::install_reading();
    guard::install_expiry();
    guard::install_prepared_names();
    guard::install_definer_frames();
    guard::install_vouchers();
    guard::install_crossings();
    guard::install_planning();
    guard::install_relations();
    guard::install_setting_rules();
    guard::install_parsed_settings();
    guard::install_function_rules();
    guard::install_untrusted_functions();
    guard::install_statements();
    guard::install_analysis();
    guard::install_cleared_plans();
    guard::install_execution();
    MarkGUCPrefixReserved("tenant_guard");
}
