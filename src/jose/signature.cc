#include "jose/signature.h"

#include <array>
#include <cstring>

#include <openssl/crypto.h>

#include "core/bytes.h"
#include "jose/digest.h"
#include "jose/ecdsa_der.h"
#include "jose/openssl_ptr.h"
#include "jose/prepared_key.h"

namespace tg::jose {
namespace {

Verdict verify_hmac(const PreparedKey& key, Octets signed_text, Octets signature) {
    std::array<std::uint8_t, max_digest_size> expected;
    std::size_t size = 0;
    // Initialising without a key starts over with the one that the context holds.
    TG_REQUIRE(EVP_MAC_init(key.mac, nullptr, 0, nullptr) == 1, internal);
    TG_REQUIRE(EVP_MAC_update(key.mac, signed_text.data(), signed_text.size()) == 1, internal);
    TG_REQUIRE(EVP_MAC_final(key.mac, expected.data(), &size, expected.size()) == 1, internal);
    TG_REQUIRE(size == signature.size(), internal);
    // In constant time: how many bytes of a forged tag were right must not be measurable.
    TG_REQUIRE(CRYPTO_memcmp(expected.data(), signature.data(), size) == 0, signature_mismatch);
    return Verdict::ok;
}

Verdict verify_digest(const PreparedKey& key, Octets signed_text, Octets signature) {
    std::array<std::uint8_t, max_digest_size> digest;
    unsigned size = 0;
    TG_REQUIRE(EVP_DigestInit_ex2(key.hasher, key.digest, nullptr) == 1, internal);
    TG_REQUIRE(EVP_DigestUpdate(key.hasher, signed_text.data(), signed_text.size()) == 1, internal);
    TG_REQUIRE(EVP_DigestFinal_ex(key.hasher, digest.data(), &size) == 1, internal);
    TG_REQUIRE(
        EVP_PKEY_verify(key.verifier, signature.data(), signature.size(), digest.data(), size) == 1,
        signature_mismatch);
    return Verdict::ok;
}

Verdict verify_ecdsa(const PreparedKey& key, KeyType curve, Octets signed_text, Octets signature) {
    std::array<std::uint8_t, max_ecdsa_der_size> der;
    std::size_t size = 0;
    TG_REQUIRE(write_ecdsa_der(signature, curve_order(curve), der, size), signature_mismatch);
    return verify_digest(key, signed_text, {der.data(), size});
}

// A context that did an EdDSA verification cannot be used again, and copying one that is ready costs a
// tenth of making one ready. Where OpenSSL cannot copy it (early releases of 3.0), it is made ready.
Verdict verify_eddsa(const PreparedKey& key, Octets signed_text, Octets signature) {
    const DigestContextPtr context(EVP_MD_CTX_new());
    TG_REQUIRE(context, internal);
    TG_REQUIRE(EVP_MD_CTX_copy_ex(context.get(), key.initialised) == 1 ||
                   EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr,
                                           key.pkey, nullptr) == 1,
               internal);
    TG_REQUIRE(EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                signed_text.data(), signed_text.size()) == 1,
               signature_mismatch);
    return Verdict::ok;
}

}  // namespace

Verdict verify_signature(const VerificationKey& key, std::string_view signed_text,
                         std::string_view signature) {
    TG_REQUIRE(key.handle != nullptr && key.algorithm != nullptr, internal);
    const ErrorMark mark;
    const PreparedKey& prepared = *static_cast<const PreparedKey*>(key.handle);
    // Every scheme has one length. A longer or shorter signature is refused before OpenSSL sees it.
    TG_REQUIRE(signature.size() == prepared.signature_size, signature_mismatch);
    const Octets text = as_octets(signed_text);
    const Octets bytes = as_octets(signature);
    switch (key.algorithm->scheme) {
        case Scheme::hmac:
            return verify_hmac(prepared, text, bytes);
        case Scheme::rsa_pkcs1:
        case Scheme::rsa_pss:
            return verify_digest(prepared, text, bytes);
        case Scheme::ecdsa:
            return verify_ecdsa(prepared, key.algorithm->key, text, bytes);
        case Scheme::eddsa:
            return verify_eddsa(prepared, text, bytes);
    }
    return Verdict::internal;
}

}  // namespace tg::jose
