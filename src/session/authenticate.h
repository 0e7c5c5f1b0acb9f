// The only way in: a verified token becomes the tenant of the transaction.
#pragma once

#include "jose/token.h"
#include "pg/server.h"

namespace tg::session {

// Verifies the token, sets the context, and returns the tenant id (a view into the context). Raises
// an error with the verdict's SQLSTATE otherwise, and leaves the context as it was.
std::string_view authenticate_token(std::string_view jwt);

// What authenticate_token() would say of the token. The views of `out` live in the current memory
// context.
Verdict judge_token(std::string_view jwt, jose::Token& out);

// `on_first_of_transaction` is called when the transaction has got its context, and may still refuse it by an error.
void install_authenticate(void (*on_first_of_transaction)());

}  // namespace tg::session
