// Every refusal passes here on its way to the client, once: a line in the log, the counts of the view
// `violations`, and those of the tenant.
#pragma once

#include "pg/server.h"

namespace tg::audit {

struct RefusedStatement {
    bool is_refused;  // or would have been, under `warn`
    const char* sqlstate;
    const char* object;  // relation, function, setting or command; may be null
    const char* reason;  // the message
};

// Under `warn` the statement goes on: what it meets again before the client's next message is not noted
// again, as under `always` it would not have come so far.
void note_refused_statement(const RefusedStatement& refused);

// The context was to be set by set_config() and its like, which reach no hook but the setting's own.
void note_forged_context(const char* message);

struct RefusedToken {
    const char* sqlstate;
    std::string_view reason;
    std::string_view kid;     // as the token says: not verified
    std::string_view tenant;  // empty unless the signature was good
};

void note_refused_token(const RefusedToken& refused);

}  // namespace tg::audit
