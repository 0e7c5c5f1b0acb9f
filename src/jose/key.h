// Keys: what an administrator hands in (imported, judged, stored) and what a signature is checked
// with (loaded once, ready). Everything weak is refused when a key is added, so that no stored key
// can make a forgery cheap; everything slow happens when a key is loaded, so that verifying a token
// parses no key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "jose/algorithm.h"

namespace tg::jose {

enum class KeyVerdict : std::uint8_t {
    ok,
    unreadable,
    unsupported,
    too_weak,
    off_curve,
    bad_exponent,
    wrong_type,
    wrong_use,
    private_key,
    kid_missing,
    kid_too_long,
    too_large,
    internal,
};

// A full sentence for errdetail; contains nothing of the key.
const char* describe(KeyVerdict verdict);

// What is stored. `material` is the secret's bytes, or a DER SubjectPublicKeyInfo. Owns no memory:
// copy it out, then wipe() it, whatever the verdict was.
struct ImportedKey {
    std::array<char, 256> kid;
    std::size_t kid_size;
    const Algorithm* algorithm;
    bool is_secret;
    std::array<std::uint8_t, 2304> material;
    std::size_t material_size;
};

void wipe(ImportedKey& key);

// One JWK (RFC 7517). Without "kid" the kid is the RFC 7638 thumbprint; without "alg" it follows
// from the key: RSA is RS256, an elliptic curve its own, oct is HS256. Private members of a
// public-key type refuse it. A secret must bring its "kid": kids are public, and the thumbprint of
// a secret is a hash of it, with which guesses could be tried at home (RFC 7638 section 7).
KeyVerdict import_jwk(std::string_view json, ImportedKey& out);

// Exactly one PEM block: PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE (of which only the key is used:
// nothing of the certificate is verified). `alg` is a JOSE name or a stored one.
KeyVerdict import_pem(std::string_view kid, std::string_view alg, std::string_view pem,
                      ImportedKey& out);

// An HMAC secret, raw bytes; at least as long as the hash (RFC 7518 section 3.2).
KeyVerdict import_secret(std::string_view kid, std::string_view alg, std::string_view secret,
                         ImportedKey& out);

// A key ready to verify with. `handle` owns OpenSSL objects (and, for a secret, the keyed MAC
// state); it is reused by every verification, so one key serves one thread. A zeroed struct is a
// valid empty key.
struct VerificationKey {
    const Algorithm* algorithm;
    void* handle;
};

// `stored_algorithm` is Algorithm::stored_name and `material` what import_* made. On failure `out`
// is empty.
KeyVerdict load_key(std::string_view stored_algorithm, std::string_view material,
                    VerificationKey& out);

// Frees and empties; harmless on an empty key.
void release(VerificationKey& key);

}  // namespace tg::jose
