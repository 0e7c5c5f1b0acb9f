// Tokens are passwords, and so are the secrets of keys: whatever the server is about to log, they are
// blotted out of it, and out of what pg_stat_activity and pg_stat_statements keep. Clients write them as
// literals, drivers as parameters, and the server logs both where it is told to.
#pragma once

#include <string_view>

struct Query;
struct QueryDesc;

namespace tg::audit {

// If the statement that runs now carries a secret, other sessions do not see its text in
// pg_stat_activity any longer. Returns whether it does.
bool hide_running_statement();

// Parallel workers show the text of the message that their leader runs, also where the statement with the secret is long past:
// before workers can start, the plan gets a text without.
void redact_source(QueryDesc* query);

// To be called for every statement that was analyzed and may_hold_secret(): hides it if it does, and returns whether it does.
bool look_for_secrets(std::string_view text, Query* query);

void install_redaction();

}  // namespace tg::audit
