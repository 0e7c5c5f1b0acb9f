// The ProcessUtility hook. It only dispatches: rules are in statement_rules, setting_rules and
// isolation_shield.
#include "guard/statements.h"

#include "enforcement/profile.h"
#include "enforcement/untrusted_limits.h"
#include "guard/expiry.h"
#include "guard/foreign_key_check.h"
#include "guard/isolation_shield.h"
#include "session/remnants.h"
#include "guard/setting_rules.h"
#include "guard/statement_rules.h"
#include "guard/untrusted_statements.h"
#include "session/token_setting.h"
#include "pg/foreign_changes.h"

extern "C" {
#include "access/parallel.h"
#include "tcop/utility.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;

ProcessUtility_hook_type next_utility = nullptr;

bool commits_prepared(const Node* statement) {
    return reinterpret_cast<const TransactionStmt*>(statement)->kind == TRANS_STMT_COMMIT_PREPARED;
}

// A part of a statement that was checked as a whole.
bool is_part(ProcessUtilityContext context) { return context == PROCESS_UTILITY_SUBCOMMAND; }

void check_untrusted(const Node* statement) {
    const Guarding mode = enforcement::guarding_untrusted();
    if (mode == Guarding::none) return;
    enforcement::bound_statement();
    check_untrusted_statement(mode, statement);
}

void utility(PlannedStmt* planned, const char* text, bool read_only_tree,
             ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment* environment,
             DestReceiver* receiver, QueryCompletion* completion) {
    auto pass_on = [&] {
        auto* next = next_utility ? next_utility : standard_ProcessUtility;
        next(planned, text, read_only_tree, context, parameters, environment, receiver, completion);
    };
    Node* statement = planned->utilityStmt;

    // COMMIT and ROLLBACK must work whatever state the transaction is in, an aborted one included.
    if (IsA(statement, TransactionStmt)) {
        if (is_two_phase(statement) && IsTransactionState()) check_untrusted(statement);
        // It makes another transaction's changes visible, and has none of its own.
        if (commits_prepared(statement)) pg::announce_change();
        return pass_on();
    }

    if (IsA(statement, VariableSetStmt)) {
        auto* set = reinterpret_cast<VariableSetStmt*>(statement);
        check_context_setting(set);
        if (session::is_token_setting(set)) return session::set_token(set, pass_on);
        if (enforcement::is_tightening(set)) return enforcement::tighten();
    }
    bool is_guarded = true;
    if (!is_part(context)) {
        check_expiry();
        const Guarding mode = enforcement::guarding_beyond_relations();
        is_guarded = mode != Guarding::none;
        if (mode != Guarding::none) check_statement(mode, statement);
        check_untrusted(statement);
    }
    if (is_repeated_policy(statement)) return renew_repeated_policy(statement);
    if (switches_own_triggers(statement)) return;
    check_isolation_shield(statement);
    session::note_remnant(statement);
    const bool drops = may_drop_extension(statement);
    if (!is_guarded && may_check_foreign_key(statement)) {
        with_owners_sight(pass_on);
    } else {
        pass_on();
    }
    if (drops) check_extension_remains();
}

}  // namespace

void install_statements() {
    next_utility = ProcessUtility_hook;
    ProcessUtility_hook = utility;
}

}  // namespace tg::guard
