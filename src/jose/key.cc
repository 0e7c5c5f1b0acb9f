#include "jose/key.h"

#include <openssl/crypto.h>

#include "jose/public_key.h"

namespace tg::jose {
namespace {

constexpr std::array<const char*, static_cast<std::size_t>(KeyVerdict::internal) + 1> sentences = {
    "The key is good.",
    "The key cannot be read: it is not exactly one well-formed JWK, PEM block or secret.",
    "The key is of a type, curve or algorithm that is not supported.",
    "The key is too weak for its algorithm: a secret must be as long as the hash, an RSA modulus "
    "sound and at "
    "least 2048 bits long, an EdDSA point not of small order.",
    "The key is not a point on its curve.",
    "The public exponent of the RSA key must be odd, at least 65537 and at most 32 bits long.",
    "The key is not of the type that its algorithm needs.",
    "The key says that it is not for verifying signatures.",
    "The key contains its private part, which must never leave the issuer.",
    "A secret needs a name (kid) of its own: its thumbprint would be a hash of the secret that "
    "everybody can see.",
    "The name of the key (kid) must be 1 to 256 bytes long.",
    "The key is larger than the largest that is accepted.",
    "OpenSSL failed while it looked at the key.",
};

}  // namespace

const char* describe(KeyVerdict verdict) {
    const auto index = static_cast<std::size_t>(verdict);
    return sentences[index < sentences.size() ? index : sentences.size() - 1];
}

void wipe(ImportedKey& key) {
    OPENSSL_cleanse(&key, sizeof key);
}

KeyVerdict import_secret(std::string_view kid, std::string_view alg, std::string_view secret,
                         ImportedKey& out) {
    wipe(out);
    const KeyVerdict kid_verdict = store_kid(kid, out);
    if (kid_verdict != KeyVerdict::ok) return kid_verdict;
    const Algorithm* const algorithm = find_algorithm(alg, KeyType::secret);
    if (algorithm == nullptr)
        return is_known_algorithm(alg) ? KeyVerdict::wrong_type : KeyVerdict::unsupported;
    return store_secret(secret, *algorithm, out);
}

}  // namespace tg::jose
