// Keys and tokens for tests: one freshly made key per algorithm, and a signer that signs whatever
// it is told, well-formed or not. The core has no signer, so that no bug can hide on both sides.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jose/key.h"
#include "jose/token.h"

namespace tg::test {

std::string encode(std::string_view bytes);  // base64url
std::string decode(std::string_view text);

// The key of a row of the algorithm table, made on first use and kept for the run.
class SigningKey {
  public:
    static SigningKey& of(std::string_view stored_name);

    // As JOSE has it: ECDSA is r || s. A salt of -1 is as long as the hash.
    std::string sign(std::string_view text, int pss_salt = -1) const;
    const jose::VerificationKey& verifier() const { return verifier_; }
    const jose::Algorithm& algorithm() const { return *algorithm_; }
    const std::string& material() const { return material_; }  // what is stored
    std::string public_pem() const;                            // empty for a secret
    std::string private_pem() const;

  private:
    const jose::Algorithm* algorithm_ = nullptr;
    void* pkey_ = nullptr;
    std::string material_;
    jose::VerificationKey verifier_{};
};

// header.payload.signature of these two texts.
std::string mint(const SigningKey& key, std::string_view header, std::string_view payload);

// The header of an ordinary token of this key.
std::string header_of(const SigningKey& key, std::string_view kid = "k1");

// 2024-05-31, within the life of good_claims.
inline constexpr std::int64_t now_us = 1'717'100'600'000'000;
inline constexpr std::string_view good_claims =
    R"({"sub": "user_8c2f", "tenant_id": "acct_4d1a",)"
    R"( "user_attributes": {"role": "viewer", "region": "EU"}, "iat": 1717100000, "exp": 1717103600})";

// Verifies with a scratch of exactly the promised size and keeps copies of what came out.
struct Outcome {
    Verdict verdict;
    std::string header, payload, kid, subject, tenant, jti;
    jose::Token token;  // its views are dead; use the strings
};
Outcome verify(std::string_view jwt, const jose::Demand& demand);

// A ring of one key named k1 with the default rules, at now_us.
Outcome verify(std::string_view jwt, const SigningKey& key);

}  // namespace tg::test
