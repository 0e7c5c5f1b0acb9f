// Whether a statement that reads relations is running, at any depth of functions. authenticate() asks:
// rows read before a token was verified and rows read after it would be in one result.
#pragma once

#include "pg/compat.h"

extern "C" {
#include "executor/execdesc.h"
}

namespace tg::session {

namespace state {
// The nesting level of the (sub)transaction in which the outermost such statement runs; 0: none does. A
// statement that fails ends with its (sub)transaction, so no error needs to be caught for it.
inline int reading_level = 0;
}  // namespace state

inline bool is_reading() { return state::reading_level > 0; }

// Runs a plan by `run`, which takes the arguments of the executor's hook.
template <typename Run, typename... Arguments>
pg_attribute_always_inline void run_reading(Run run, QueryDesc* query, Arguments... arguments) {
    if (is_reading() || !pg::reads_relations(query->plannedstmt)) return run(query, arguments...);
    state::reading_level = GetCurrentTransactionNestLevel();
    run(query, arguments...);
    state::reading_level = 0;
}

void install_reading();

}  // namespace tg::session
