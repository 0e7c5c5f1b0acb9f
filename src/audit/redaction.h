// Tokens are passwords: whatever the server is about to log, a token in it is blotted out. Clients
// write tokens as literals, drivers as parameters, and the server logs both where it is told to.
#pragma once

namespace tg::audit {

// The statement that runs now carries a token: other sessions do not see its text in
// pg_stat_activity any longer.
void hide_running_statement();

void install_redaction();

}  // namespace tg::audit
