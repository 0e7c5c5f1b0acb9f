// Functions that a guarded transaction must not call: they show or disturb other sessions, read
// files, move statistics, reach other servers, or leave something on the session.
#pragma once

#include "pg/server.h"

namespace tg::guard {

// Why guarded transactions are refused the function; null if they are not.
const char* why_refused(Oid function);

void install_function_rules();

}  // namespace tg::guard
