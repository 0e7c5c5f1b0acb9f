// Public keys, whatever they came in: which type one is, whether it is strong enough to be
// believed, and the one form in which it is stored. Every way in (JWK, PEM, certificate) ends here,
// so that none is weaker.
#pragma once

#include "core/bytes.h"
#include "jose/key.h"
#include "jose/openssl_ptr.h"

namespace tg::jose {

inline constexpr int min_rsa_bits = 2048;  // RFC 7518 sections 3.3 and 3.5
inline constexpr int max_rsa_bits =
    8192;  // above it a single verification becomes a denial of service

// A DER SubjectPublicKeyInfo and nothing behind it; empty if it is not.
PkeyPtr read_public_key(Octets der);

// False for types and curves that no algorithm uses.
bool read_key_type(const EVP_PKEY* pkey, KeyType& out);

// ok, too_weak or too_large.
KeyVerdict judge_rsa_size(const EVP_PKEY* pkey);

// Is the key sound (size, exponent, point)? Takes milliseconds for RSA: for keys that are added.
KeyVerdict judge_public_key(EVP_PKEY* pkey, KeyType type);

// Judges the key and writes it and its row into `out`.
KeyVerdict store_public_key(EVP_PKEY* pkey, const Algorithm& algorithm, ImportedKey& out);

// One byte to 256; RFC 7515 section 4.1.4 leaves the form to the application.
KeyVerdict store_kid(std::string_view kid, ImportedKey& out);

KeyVerdict store_secret(std::string_view secret, const Algorithm& algorithm, ImportedKey& out);

}  // namespace tg::jose
