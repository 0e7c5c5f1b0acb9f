// Tokens that are refused before they expire: by their id, their subject or their tenant. Three index
// look-ups at most, however many entries there are, and none while the table is empty.
#pragma once

#include "jose/token.h"
#include "pg/server.h"

namespace tg::keys {

// Takes in what other sessions have committed up to the last current_ring().
bool is_revoked(const jose::Token& token);

void install_revocations();

}  // namespace tg::keys
