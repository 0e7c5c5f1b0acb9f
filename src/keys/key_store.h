// The keys and issuers of this database, ready to verify with: those of tenant_guard.signing_keys and
// tenant_guard.issuers, read when they change, which every session and standby hears of through the
// invalidation that the tables' triggers send, and those of tenant_guard.jwks_file. Parsed then and never
// per token.
#pragma once

#include "jose/token.h"
#include "pg/server.h"

namespace tg::keys {

struct KeyRing {
    std::span<const jose::RingKey> keys;
    std::span<const jose::IssuerRules> issuers;
    uint64 generation;  // grows with every reading
};

// Takes in what other sessions have committed up to this call. Needs a ready installation. The ring
// stays valid until the next call.
const KeyRing& current_ring();

void install();

}  // namespace tg::keys
