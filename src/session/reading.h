// Whether a statement that reads relations is running, at any depth of functions. authenticate() asks:
// rows read before a token was verified and rows read after it would be in one result.
#pragma once

#include "pg/server.h"

namespace tg::session {

bool is_reading();

void install_reading();

}  // namespace tg::session
