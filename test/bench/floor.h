// The least that OpenSSL can be asked for to verify a token: the key parsed, the signature decoded and every context set
// up before the clock runs.
#pragma once

#include <string>
#include <string_view>

#include <openssl/evp.h>

#include "jose/algorithm.h"

namespace tg::bench {

class Floor {
  public:
    // `key` is a secret's bytes, or a public key as PEM.
    Floor(const jose::Algorithm& algorithm, std::string_view key);
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;

    // A compact JWS of this algorithm, made ready.
    struct Signed {
        std::string text, signature;
    };
    Signed read(const std::string& jwt) const;

    bool verify(const Signed& token) const;

  private:
    void prepare_secret(std::string_view secret);
    void prepare_public_key(std::string_view pem);

    const jose::Algorithm& algorithm_;
    EVP_MAC_CTX* mac_ = nullptr;
    EVP_PKEY* key_ = nullptr;
    EVP_MD* digest_ = nullptr;
    EVP_MD_CTX* hasher_ = nullptr;
    EVP_PKEY_CTX* verifier_ = nullptr;  // null for EdDSA, whose context cannot be used twice
};

}  // namespace tg::bench
