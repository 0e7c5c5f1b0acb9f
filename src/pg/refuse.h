// How the extension says no. Every refusal has a stable SQLSTATE, a DETAIL that says what was seen
// and a HINT that says what to run (docs/errors.md).
#pragma once

#include "core/verdict.h"
#include "pg/server.h"

namespace tg::pg {

// Raises the error for a token that was not accepted. Never returns; never shows token text.
[[noreturn]] void refuse_token(Verdict verdict);

// Raises an error unless the library was loaded by shared_preload_libraries: loaded any later it has
// no hooks, so the context could be forged and the guard would be missing without a word.
void require_preloaded();

// Remembered by _PG_init.
void set_preloaded();
bool is_preloaded();

}  // namespace tg::pg
