// See the header.
#include "session/token_setting.h"

#include "pg/compat.h"
#include "session/authenticate.h"

namespace tg::session {

bool token_statement_runs = false;

namespace {

constexpr const char* setting_name = "tenant_guard.token";

char* setting_value = nullptr;

bool check(char** value, void**, GucSource) {
    if (**value == '\0') return true;
    if (!token_statement_runs) {
        GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
        GUC_check_errmsg("parameter \"%s\" can only be set with SET LOCAL", setting_name);
        GUC_check_errhint("Use SET LOCAL %s, or call tenant_guard.authenticate(jwt).", setting_name);
        return false;
    }
    // The token was verified by accept_token(); what is kept is that there was one, and no more.
    auto* empty = static_cast<char*>(pg::setting_alloc(1));
    if (!empty) return false;
    *empty = '\0';
    pg::setting_free(*value);
    *value = empty;
    return true;
}

}  // namespace

bool is_token_setting(const VariableSetStmt* statement) {
    return statement->name && pg_strcasecmp(statement->name, setting_name) == 0;
}

void accept_token(const VariableSetStmt* statement) {
    if (!statement->is_local)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("parameter \"%s\" can only be set with SET LOCAL", setting_name),
                        errdetail("A token is valid for one transaction, not for a session."),
                        errhint("Use SET LOCAL %s, or call tenant_guard.authenticate(jwt).",
                                setting_name),
                        errhidestmt(true)));
    const char* jwt = ExtractSetVariableArgs(const_cast<VariableSetStmt*>(statement));
    authenticate_token(jwt ? std::string_view{jwt} : std::string_view{});
}

void install_token_setting() {
    DefineCustomStringVariable(
        setting_name, "Authenticates the transaction with a signed token.",
        "Only SET LOCAL is accepted. The value can never be read back.", &setting_value, "",
        PGC_USERSET,
        GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, check, nullptr,
        nullptr);
}

}  // namespace tg::session
