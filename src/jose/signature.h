// Is this signature good? One function per scheme behind one question. The key's row decides
// everything: nothing of the token is consulted but the bytes that were signed.
#pragma once

#include <string_view>

#include "core/verdict.h"
#include "jose/key.h"

namespace tg::jose {

// ok, signature_mismatch, or internal if the key is empty or OpenSSL fails. Never anything else.
Verdict verify_signature(const VerificationKey& key, std::string_view signed_text,
                         std::string_view signature);

}  // namespace tg::jose
