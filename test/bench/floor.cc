#include "floor.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "jose/ecdsa_der.h"
#include "mint.h"

namespace tg::bench {

namespace {

void demand(bool good, const jose::Algorithm& algorithm) {
    if (good) return;
    std::fprintf(stderr, "bench: the floor failed for %.*s\n", static_cast<int>(algorithm.stored_name.size()),
                 algorithm.stored_name.data());
    std::exit(1);
}

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Floor::Floor(const jose::Algorithm& algorithm, std::string_view key) : algorithm_(algorithm) {
    if (algorithm.scheme == jose::Scheme::hmac)
        prepare_secret(key);
    else
        prepare_public_key(key);
}

void Floor::prepare_secret(std::string_view secret) {
    mac_ = EVP_MAC_CTX_new(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(algorithm_.digest), 0),
        OSSL_PARAM_construct_end()};
    demand(EVP_MAC_init(mac_, octets(secret), secret.size(), params) == 1, algorithm_);
}

void Floor::prepare_public_key(std::string_view pem) {
    BIO* const input = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    key_ = PEM_read_bio_PUBKEY(input, nullptr, nullptr, nullptr);
    BIO_free(input);
    demand(key_ != nullptr, algorithm_);
    if (algorithm_.scheme == jose::Scheme::eddsa) return;
    digest_ = EVP_MD_fetch(nullptr, algorithm_.digest, nullptr);
    hasher_ = EVP_MD_CTX_new();
    verifier_ = EVP_PKEY_CTX_new_from_pkey(nullptr, key_, nullptr);
    demand(EVP_PKEY_verify_init(verifier_) == 1, algorithm_);
    if (algorithm_.scheme == jose::Scheme::rsa_pkcs1)
        EVP_PKEY_CTX_set_rsa_padding(verifier_, RSA_PKCS1_PADDING);
    if (algorithm_.scheme == jose::Scheme::rsa_pss) {
        EVP_PKEY_CTX_set_rsa_padding(verifier_, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_mgf1_md(verifier_, digest_);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(verifier_, RSA_PSS_SALTLEN_DIGEST);
    }
    EVP_PKEY_CTX_set_signature_md(verifier_, digest_);
}

Floor::Signed Floor::read(const std::string& jwt) const {
    const std::size_t dot = jwt.rfind('.');
    Signed out{jwt.substr(0, dot), test::decode(jwt.substr(dot + 1))};
    if (algorithm_.scheme != jose::Scheme::ecdsa) return out;
    std::array<std::uint8_t, jose::max_ecdsa_der_size> der;
    std::size_t size = 0;
    demand(jose::write_ecdsa_der({octets(out.signature), out.signature.size()},
                                 jose::curve_order(algorithm_.key), der, size),
           algorithm_);
    out.signature.assign(reinterpret_cast<const char*>(der.data()), size);
    return out;
}

bool Floor::verify(const Signed& token) const {
    const auto& [text, signature] = token;
    if (mac_) {
        unsigned char tag[64];
        std::size_t size = 0;
        return EVP_MAC_init(mac_, nullptr, 0, nullptr) == 1 &&
               EVP_MAC_update(mac_, octets(text), text.size()) == 1 &&
               EVP_MAC_final(mac_, tag, &size, sizeof tag) == 1 && size == signature.size() &&
               CRYPTO_memcmp(tag, signature.data(), size) == 0;
    }
    if (!verifier_) {
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        const bool good =
            EVP_DigestVerifyInit_ex(context, nullptr, nullptr, nullptr, nullptr, key_, nullptr) == 1 &&
            EVP_DigestVerify(context, octets(signature), signature.size(), octets(text), text.size()) == 1;
        EVP_MD_CTX_free(context);
        return good;
    }
    unsigned char hash[64];
    unsigned size = 0;
    return EVP_DigestInit_ex2(hasher_, digest_, nullptr) == 1 &&
           EVP_DigestUpdate(hasher_, octets(text), text.size()) == 1 &&
           EVP_DigestFinal_ex(hasher_, hash, &size) == 1 &&
           EVP_PKEY_verify(verifier_, octets(signature), signature.size(), hash, size) == 1;
}

}  // namespace tg::bench
