// Whether a statement that reads relations is running, at any depth of functions. authenticate() asks:
// rows read before a token was verified and rows read after it would be in one result.
#pragma once

#include "pg/compat.h"

extern "C" {
#include "executor/execdesc.h"
}

namespace tg::session {

namespace state {
// Whether one runs. A statement that fails ends with its (sub)transaction, so no error needs to be caught for it.
inline bool is_reading = false;
}  // namespace state

inline bool is_reading() { return state::is_reading; }

// Runs a plan by `run`, which takes the arguments of the executor's hook.
template <typename Run, typename... Arguments>
pg_attribute_always_inline void run_reading(Run run, QueryDesc* query, Arguments... arguments) {
    if (is_reading() || !pg::reads_relations(query->plannedstmt)) return run(query, arguments...);
    state::is_reading = true;
    run(query, arguments...);
    state::is_reading = false;
}

void install_reading();

}  // namespace tg::session
