// SET LOCAL tenant_guard.token = '<jwt>': authenticate() for clients and engines that can only send
// SET. The setting never holds the token, so nothing can read it back.
#pragma once

#include "pg/hook.h"
#include "pg/server.h"

namespace tg::session {

bool is_token_setting(const VariableSetStmt* statement);

// Verifies the token of the statement and makes it the context; refuses SET without LOCAL.
void accept_token(const VariableSetStmt* statement);

// Open while the statement itself runs: outside, the setting takes no value.
extern bool token_statement_runs;

// Handles the statement; `pass_on` hands it to the other hooks and the server, since an engine that
// forwards SET LOCAL to its workers must see it.
template <typename PassOn>
void set_token(const VariableSetStmt* statement, PassOn pass_on) {
    if (statement->kind == VAR_SET_VALUE) accept_token(statement);
    pg::with_flag(token_statement_runs, pass_on);
}

void install_token_setting();

}  // namespace tg::session
