// What VerificationKey::handle points to: everything that OpenSSL can work out before a token
// comes. Parsing a key costs twenty times what an RSA verification does, so none of it may happen
// per token.
#pragma once

#include <cstddef>

#include <openssl/types.h>

namespace tg::jose {

struct PreparedKey {
    const EVP_MD* digest;        // nullptr for EdDSA; not owned
    std::size_t signature_size;  // bytes, exact
    EVP_MAC_CTX* mac;            // keyed; HMAC only
    EVP_PKEY* pkey;              // all but HMAC
    EVP_PKEY_CTX* verifier;      // padding and digest set; RSA and ECDSA only
    EVP_MD_CTX* hasher;          // RSA and ECDSA only
    EVP_MD_CTX* initialised;     // EdDSA only: copied for each verification, never used itself
};

}  // namespace tg::jose
