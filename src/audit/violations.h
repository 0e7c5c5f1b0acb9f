// What was refused, or would have been under `warn`, in shared memory: a row for each kind of refusal and
// not for each refusal, so that an attacker who repeats himself fills a counter and not a table. No value
// of a claim, no token and no text of a statement is kept.
#pragma once

#include "pg/server.h"

namespace tg::audit {

struct Violation {
    const char* kind;         // "statement" or "token"
    bool is_refused;          // or would have been
    const char* sqlstate;
    std::string_view object;  // relation, function, setting or command; may be empty
    std::string_view reason;  // the message, or the reason word of a token
};

// Never raises an error. What does not fit is counted without its object, and if that does not fit either,
// with all others.
void count_violation(const Violation& violation);

void install_violations();

}  // namespace tg::audit
