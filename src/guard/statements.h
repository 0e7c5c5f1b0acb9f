// Utility statements: what has no plan. Guarded transactions get an allow-list; the isolation of
// protected relations is shielded from DDL for everybody.
#pragma once

#include "pg/server.h"

namespace tg::guard {

void install_statements();

}  // namespace tg::guard
