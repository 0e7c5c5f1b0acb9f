#include "jose/warm_up.h"

#include <array>
#include <cstdint>

#include <openssl/core_names.h>

#include "jose/digest.h"
#include "jose/key.h"
#include "jose/openssl_ptr.h"
#include "jose/signature.h"

namespace tg::jose {
namespace {

constexpr std::size_t rsa_size = 256;  // bytes
constexpr std::array<char, rsa_size> zeros{};

// Some odd number of 2048 bits for a modulus: to make a real one takes a tenth of a second.
PkeyPtr make_rsa_key() {
    std::array<std::uint8_t, rsa_size> modulus;
    modulus.fill(0xC5);
    unsigned exponent = 65537;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, modulus.data(), modulus.size()),
        OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent), OSSL_PARAM_construct_end()};
    const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY* key = nullptr;
    if (context && EVP_PKEY_fromdata_init(context.get()) == 1)
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params);
    return PkeyPtr(key);
}

PkeyPtr make_key(KeyType type) {
    switch (type) {
        case KeyType::secret:
            break;
        case KeyType::rsa:
            return make_rsa_key();
        case KeyType::ec_p256:
            return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
        case KeyType::ec_p384:
            return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384"));
        case KeyType::ec_p521:
            return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521"));
        case KeyType::ed25519:
            return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
        case KeyType::ed448:
            return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448"));
    }
    return PkeyPtr();
}

// The signature is no good, which takes the same way through OpenSSL.
void use_once(const Algorithm& algorithm, std::string_view material) {
    VerificationKey key;
    if (load_key(algorithm.stored_name, material, key) != KeyVerdict::ok) return;
    const std::size_t size = algorithm.signature_size > 0 ? algorithm.signature_size : rsa_size;
    verify_signature(key, "text", {zeros.data(), size});
    release(key);
}

}  // namespace

void warm_up() {
    const ErrorMark mark;
    constexpr std::string_view text = "text";
    std::array<std::uint8_t, 32> digest;
    sha256({&text, 1}, digest);
    for (const Algorithm& algorithm : algorithms) {
        if (algorithm.scheme == Scheme::hmac) {
            use_once(algorithm, {zeros.data(), max_digest_size});
            continue;
        }
        const PkeyPtr pkey = make_key(algorithm.key);
        std::uint8_t* der = nullptr;
        const int size = pkey ? i2d_PUBKEY(pkey.get(), &der) : 0;
        if (size > 0)
            use_once(algorithm, {reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
        OPENSSL_free(der);
    }
}

}  // namespace tg::jose
