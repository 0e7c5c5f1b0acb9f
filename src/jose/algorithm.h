// Which signature algorithms exist, as one table. The key names its row and the row says
// everything: digest, padding, curve, size of a signature. A token's header can only agree with the
// row of the key it is checked against; if the header could choose, a public key would verify an
// HMAC made with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tg::jose {

enum class KeyType : std::uint8_t { secret, rsa, ec_p256, ec_p384, ec_p521, ed25519, ed448 };
enum class Scheme : std::uint8_t { hmac, rsa_pkcs1, rsa_pss, ecdsa, eddsa };

struct Algorithm {
    std::string_view name;         // a token's "alg" (RFC 7518 section 3.1, RFC 8037 section 3.1)
    std::string_view stored_name;  // unique per row; differs from `name` for EdDSA only
    KeyType key;
    Scheme scheme;
    const char* digest;          // OpenSSL's name, nullptr where the scheme brings its own
    std::size_t digest_size;     // bytes; an HMAC secret must not be shorter (RFC 7518 section 3.2)
    std::size_t signature_size;  // bytes; 0 for RSA, where it is the size of the modulus
};

// There is no row for "none", and none for ES256K. An HMAC secret can only ever match HS*.
inline constexpr std::array<Algorithm, 14> algorithms = {{
    {"HS256", "HS256", KeyType::secret, Scheme::hmac, "SHA256", 32, 32},
    {"HS384", "HS384", KeyType::secret, Scheme::hmac, "SHA384", 48, 48},
    {"HS512", "HS512", KeyType::secret, Scheme::hmac, "SHA512", 64, 64},
    {"RS256", "RS256", KeyType::rsa, Scheme::rsa_pkcs1, "SHA256", 32, 0},
    {"RS384", "RS384", KeyType::rsa, Scheme::rsa_pkcs1, "SHA384", 48, 0},
    {"RS512", "RS512", KeyType::rsa, Scheme::rsa_pkcs1, "SHA512", 64, 0},
    {"PS256", "PS256", KeyType::rsa, Scheme::rsa_pss, "SHA256", 32, 0},
    {"PS384", "PS384", KeyType::rsa, Scheme::rsa_pss, "SHA384", 48, 0},
    {"PS512", "PS512", KeyType::rsa, Scheme::rsa_pss, "SHA512", 64, 0},
    {"ES256", "ES256", KeyType::ec_p256, Scheme::ecdsa, "SHA256", 32, 64},
    {"ES384", "ES384", KeyType::ec_p384, Scheme::ecdsa, "SHA384", 48, 96},
    {"ES512", "ES512", KeyType::ec_p521, Scheme::ecdsa, "SHA512", 64, 132},
    {"EdDSA", "EdDSA-Ed25519", KeyType::ed25519, Scheme::eddsa, nullptr, 0, 64},
    {"EdDSA", "EdDSA-Ed448", KeyType::ed448, Scheme::eddsa, nullptr, 0, 114},
}};

// The row with this stored_name, or nullptr. "EdDSA" alone names no single row.
const Algorithm* find_algorithm(std::string_view stored_name);

// The row that a key of this type uses under this name; the name may be the JOSE name or the stored
// one.
const Algorithm* find_algorithm(std::string_view name, KeyType type);

// The row that a key of this type uses when nobody said otherwise.
const Algorithm* default_algorithm(KeyType type);

// Does any row carry this JOSE name?
bool is_known_algorithm(std::string_view name);

// The order n of the curve's base point, big-endian and as long as half a signature (FIPS 186-4
// D.1.2).
std::span<const std::uint8_t> curve_order(KeyType type);

}  // namespace tg::jose
