#include "jose/public_key.h"

#include "core/bytes.h"

#include <cstring>

#include <openssl/core_names.h>
#include <openssl/decoder.h>

#include "jose/edwards_point.h"
#include "jose/roca.h"

namespace tg::jose {
namespace {

constexpr int max_exponent_bits = 32;

struct CurveName {
    std::string_view group;
    KeyType type;
};

constexpr CurveName curve_names[] = {
    {"prime256v1", KeyType::ec_p256},
    {"secp384r1", KeyType::ec_p384},
    {"secp521r1", KeyType::ec_p521},
};

bool read_curve(const EVP_PKEY* pkey, KeyType& out) {
    // Parameters written out instead of a name can be those of a curve with a known logarithm
    // (CVE-2020-0601).
    int explicit_parameters = 0;
    if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &explicit_parameters) == 1 &&
        explicit_parameters != 0)
        return false;
    char group[64];
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &size) != 1) return false;
    for (const CurveName& curve : curve_names) {
        if (curve.group != std::string_view(group, size)) continue;
        out = curve.type;
        return true;
    }
    return false;
}

KeyVerdict judge_exponent(const EVP_PKEY* pkey) {
    BIGNUM* exponent = nullptr;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
        return KeyVerdict::unreadable;
    const BignumPtr owner(exponent);
    // Small exponents make sloppy padding checks forgeable; an even one has no inverse at all; a
    // huge one is a denial of service. FIPS 186-4 appendix B.3.1 draws the lower line.
    const bool good = BN_is_odd(exponent) && BN_num_bits(exponent) >= 17 &&
                      BN_num_bits(exponent) <= max_exponent_bits;
    return good ? KeyVerdict::ok : KeyVerdict::bad_exponent;
}

// What d2i_PUBKEY() makes anew for each key, and what it spends nine tenths of its time on: the choice among all
// decoders of all key types. Kept for the life of the process, and made in the postmaster (warm_up).
struct SpkiDecoder {
    EVP_PKEY* found;  // where the context puts the key
    OSSL_DECODER_CTX* context;
};

SpkiDecoder& spki_decoder() {
    static SpkiDecoder decoder{};
    if (decoder.context == nullptr)
        decoder.context = OSSL_DECODER_CTX_new_for_pkey(&decoder.found, "DER", "SubjectPublicKeyInfo", nullptr,
                                                        EVP_PKEY_PUBLIC_KEY, nullptr, nullptr);
    return decoder;
}

bool is_publicly_valid(EVP_PKEY* pkey) {
    const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
    return context && EVP_PKEY_public_check(context.get()) == 1;
}

KeyVerdict judge_rsa(EVP_PKEY* pkey) {
    const KeyVerdict size = judge_rsa_size(pkey);
    if (size != KeyVerdict::ok) return size;
    const KeyVerdict exponent = judge_exponent(pkey);
    if (exponent != KeyVerdict::ok) return exponent;
    BIGNUM* modulus = nullptr;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1)
        return KeyVerdict::unreadable;
    const BignumPtr owner(modulus);
    if (has_roca_fingerprint(modulus)) return KeyVerdict::too_weak;
    // A modulus that is even, prime or has small factors (SP 800-56B section 6.4.2.2).
    return is_publicly_valid(pkey) ? KeyVerdict::ok : KeyVerdict::too_weak;
}

KeyVerdict judge_edwards(const EVP_PKEY* pkey, KeyType type) {
    std::array<std::uint8_t, 57> point;
    std::size_t size = point.size();
    if (EVP_PKEY_get_raw_public_key(pkey, point.data(), &size) != 1) return KeyVerdict::unreadable;
    return judge_edwards_point({point.data(), size}, type);
}

// A public key in the place of a secret is the classic confusion (RFC 8725 section 2.1): everybody
// knows it, and could sign with it.
bool is_public_key_text(std::string_view secret) {
    return has_prefix(secret, "-----BEGIN ") || has_prefix(secret, "ssh-") ||
           has_prefix(secret, "ecdsa-sha2-");
}

}  // namespace

PkeyPtr read_public_key(Octets der) {
    SpkiDecoder& decoder = spki_decoder();
    if (decoder.context == nullptr) return PkeyPtr();
    const unsigned char* at = der.data();
    std::size_t left = der.size();
    const bool is_read = OSSL_DECODER_from_data(decoder.context, &at, &left) == 1;
    PkeyPtr pkey(decoder.found);
    decoder.found = nullptr;
    if (!is_read || left != 0) pkey.reset();
    return pkey;
}

bool read_key_type(const EVP_PKEY* pkey, KeyType& out) {
    switch (EVP_PKEY_get_base_id(pkey)) {
        case EVP_PKEY_RSA:
            out = KeyType::rsa;
            return true;
        case EVP_PKEY_ED25519:
            out = KeyType::ed25519;
            return true;
        case EVP_PKEY_ED448:
            out = KeyType::ed448;
            return true;
        case EVP_PKEY_EC:
            return read_curve(pkey, out);
        default:
            return false;
    }
}

KeyVerdict judge_rsa_size(const EVP_PKEY* pkey) {
    const int bits = EVP_PKEY_get_bits(pkey);
    if (bits < min_rsa_bits) return KeyVerdict::too_weak;
    return bits > max_rsa_bits ? KeyVerdict::too_large : KeyVerdict::ok;
}

KeyVerdict judge_public_key(EVP_PKEY* pkey, KeyType type) {
    switch (type) {
        case KeyType::secret:
            return KeyVerdict::wrong_type;
        case KeyType::rsa:
            return judge_rsa(pkey);
        case KeyType::ec_p256:
        case KeyType::ec_p384:
        case KeyType::ec_p521:
            return is_publicly_valid(pkey) ? KeyVerdict::ok : KeyVerdict::off_curve;
        case KeyType::ed25519:
        case KeyType::ed448:
            return judge_edwards(pkey, type);
    }
    return KeyVerdict::internal;
}

KeyVerdict store_public_key(EVP_PKEY* pkey, const Algorithm& algorithm, ImportedKey& out) {
    const KeyVerdict verdict = judge_public_key(pkey, algorithm.key);
    if (verdict != KeyVerdict::ok) return verdict;
    const int size = i2d_PUBKEY(pkey, nullptr);
    if (size <= 0) return KeyVerdict::internal;
    if (static_cast<std::size_t>(size) > out.material.size()) return KeyVerdict::too_large;
    unsigned char* at = out.material.data();
    if (i2d_PUBKEY(pkey, &at) != size) return KeyVerdict::internal;
    out.material_size = static_cast<std::size_t>(size);
    out.algorithm = &algorithm;
    out.is_secret = false;
    return KeyVerdict::ok;
}

KeyVerdict store_kid(std::string_view kid, ImportedKey& out) {
    if (kid.empty() || kid.size() > out.kid.size()) return KeyVerdict::kid_too_long;
    std::memcpy(out.kid.data(), kid.data(), kid.size());
    out.kid_size = kid.size();
    return KeyVerdict::ok;
}

KeyVerdict store_secret(std::string_view secret, const Algorithm& algorithm, ImportedKey& out) {
    if (algorithm.scheme != Scheme::hmac) return KeyVerdict::wrong_type;
    if (is_public_key_text(secret)) return KeyVerdict::wrong_type;
    if (secret.size() < algorithm.digest_size) return KeyVerdict::too_weak;
    if (secret.size() > out.material.size()) return KeyVerdict::too_large;
    std::memcpy(out.material.data(), secret.data(), secret.size());
    out.material_size = secret.size();
    out.algorithm = &algorithm;
    out.is_secret = true;
    return KeyVerdict::ok;
}

}  // namespace tg::jose
