// A statement that must not run: said to the client, and in one structured line to the log. Under
// `warn` only the line is written.
#pragma once

#include "enforcement/mode.h"
#include "pg/hook.h"
#include "pg/server.h"

namespace tg::enforcement {

struct Refusal {
    int sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
    const char* message;           // lower case, no period
    const char* detail = nullptr;  // a full sentence: what was seen
    const char* hint = nullptr;    // a full sentence: what to run
    const char* object = nullptr;  // relation, function, setting or command, for the log line
};

extern bool only_asking;
extern Refusal* refusal_wanted;

// Raises `refusal`, or logs it and returns under Guarding::warn.
void refuse(Guarding guarding, const Refusal& refusal);

// Runs `work`, in which refusals are neither raised nor noted, and returns the last one in `out`; false if
// there was none. For saying what would be refused without doing it.
template <typename Work>
bool would_refuse(Refusal& out, Work work) {
    refusal_wanted = &out;
    out.message = nullptr;
    pg::with_flag(only_asking, work);
    return out.message != nullptr;
}

}  // namespace tg::enforcement
