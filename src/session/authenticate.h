// The only way in: a verified token becomes the tenant of the transaction.
#pragma once

#include "pg/server.h"

namespace tg::session {

// Verifies the token, sets the context, and returns the tenant id (a view into the context). Raises
// an error with the verdict's SQLSTATE otherwise, and leaves the context as it was.
std::string_view authenticate_token(std::string_view jwt);

void install_authenticate();

}  // namespace tg::session
