// A statement that must not run: said to the client, and in one structured line to the log. Under
// `warn` only the line is written.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::enforcement {

struct Refusal {
    int sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
    const char* message;           // lower case, no period
    const char* detail = nullptr;  // a full sentence: what was seen
    const char* hint = nullptr;    // a full sentence: what to run
    const char* object = nullptr;  // relation, function, setting or command, for the log line
};

// Raises `refusal`, or logs it and returns under Guarding::warn.
void refuse(Guarding guarding, const Refusal& refusal);

}  // namespace tg::enforcement
