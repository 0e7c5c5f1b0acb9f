// See the header.
#include "guard/untrusted_statements.h"

#include "context/tenant_context.h"
#include "enforcement/refusal.h"
#include "enforcement/untrusted_limits.h"

extern "C" {
#include "tcop/utility.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::refuse;

// What drivers ask. Others tell about the server: its files, its connections, its defaults.
constexpr const char* settings_shown[] = {
    "client_encoding", "DateStyle",        "IntervalStyle",         "search_path",
    "server_encoding", "server_version",   "server_version_num",    "standard_conforming_strings",
    "TimeZone",        "tenant_guard.profile", "tenant_guard.tenant_id", "transaction_isolation",
    "transaction_read_only",
};

// What drivers set as they connect, and then only: it changes how values are written.
constexpr const char* settings_of_drivers[] = {"application_name", "client_encoding",    "DateStyle",
                                               "IntervalStyle",    "extra_float_digits", "TimeZone"};

bool is_among(const char* name, std::span<const char* const> settings) {
    for (const char* setting : settings)
        if (pg_strcasecmp(setting, name) == 0) return true;
    return false;
}

bool is_set_by_driver(const VariableSetStmt* statement) {
    return !context::current() && statement->kind == VAR_SET_VALUE &&
           is_among(statement->name, settings_of_drivers);
}

bool is_allowed(const Node* statement) {
    switch (nodeTag(statement)) {
        case T_TransactionStmt:
            return !is_two_phase(statement);
        case T_VariableSetStmt:
            return is_set_by_driver(reinterpret_cast<const VariableSetStmt*>(statement));
        case T_ExecuteStmt:  // its plan is checked when it runs
        case T_DeclareCursorStmt:
        case T_FetchStmt:
        case T_ClosePortalStmt:
            return true;
        case T_VariableShowStmt:
            return is_among(reinterpret_cast<const VariableShowStmt*>(statement)->name, settings_shown);
        case T_DiscardStmt:
            // How poolers reset a connection. It cannot run in a transaction block.
            return reinterpret_cast<const DiscardStmt*>(statement)->target == DISCARD_ALL;
        default:
            return false;
    }
}

void refuse_command(Guarding guarding, const char* command, const char* detail, const char* hint) {
    refuse(guarding, {.message = psprintf("%s is not allowed in an untrusted transaction", command),
                      .detail = detail,
                      .hint = hint,
                      .object = command});
}

}  // namespace

bool is_two_phase(const Node* statement) {
    if (!IsA(statement, TransactionStmt)) return false;
    const TransactionStmtKind kind = reinterpret_cast<const TransactionStmt*>(statement)->kind;
    return kind == TRANS_STMT_PREPARE || kind == TRANS_STMT_COMMIT_PREPARED ||
           kind == TRANS_STMT_ROLLBACK_PREPARED;
}

void check_untrusted_statement(Guarding guarding, const Node* statement) {
    if (is_allowed(statement)) return;
    refuse_command(guarding, CreateCommandName(const_cast<Node*>(statement)),
                   "SQL of a model or a stranger may query, and neither change settings or objects nor "
                   "run code.",
                   "Send a SELECT.");
}

void check_untrusted_plan(Guarding guarding, const PlannedStmt* planned) {
    if (enforcement::may_write_untrusted()) return;
    const char* writing = "An administrator may allow it with \"tenant_guard.untrusted_writes\".";
    if (planned->commandType != CMD_SELECT)
        refuse_command(guarding, GetCommandTagName(CreateCommandTag(
                           reinterpret_cast<Node*>(const_cast<PlannedStmt*>(planned)))),
                       "SQL of a model or a stranger may only read.", writing);
    else if (planned->hasModifyingCTE)
        refuse_command(guarding, "WITH that changes rows",
                       "SQL of a model or a stranger may only read.", writing);
    else if (planned->rowMarks != NIL)
        refuse_command(guarding, "locking rows", "The locks would make others wait.", writing);
}

}  // namespace tg::guard
