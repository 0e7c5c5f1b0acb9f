#include "jose/prepared_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include "core/bytes.h"
#include "jose/digest.h"
#include "jose/key.h"
#include "jose/openssl_ptr.h"
#include "jose/public_key.h"

namespace tg::jose {
namespace {

void free_prepared(PreparedKey* key) {
    if (key == nullptr) return;
    EVP_MAC_CTX_free(key->mac);
    EVP_MD_CTX_free(key->hasher);
    EVP_MD_CTX_free(key->initialised);
    EVP_PKEY_CTX_free(key->verifier);
    EVP_PKEY_free(key->pkey);
    OPENSSL_free(key);
}

using PreparedKeyPtr = OpensslPtr<PreparedKey, free_prepared>;

EVP_MAC* fetch_hmac() {
    static EVP_MAC* hmac = nullptr;  // kept for the life of the process
    if (hmac == nullptr) hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    return hmac;
}

KeyVerdict prepare_secret(const Algorithm& algorithm, std::string_view secret, PreparedKey& out) {
    if (secret.size() < algorithm.digest_size) return KeyVerdict::too_weak;
    EVP_MAC* const hmac = fetch_hmac();
    if (hmac == nullptr) return KeyVerdict::internal;
    out.mac = EVP_MAC_CTX_new(hmac);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(
                                     OSSL_MAC_PARAM_DIGEST, const_cast<char*>(algorithm.digest), 0),
                                 OSSL_PARAM_construct_end()};
    const Octets key = as_octets(secret);
    if (out.mac == nullptr || EVP_MAC_init(out.mac, key.data(), key.size(), params) != 1)
        return KeyVerdict::internal;
    out.signature_size = algorithm.signature_size;
    return KeyVerdict::ok;
}

// RFC 7518 section 3.5: MGF1 with the same hash, a salt as long as the hash. An unpinned salt
// length would accept signatures that no issuer following the RFC makes.
bool set_padding(EVP_PKEY_CTX* context, const Algorithm& algorithm, const EVP_MD* digest) {
    if (algorithm.scheme == Scheme::rsa_pkcs1)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

KeyVerdict prepare_eddsa(PreparedKey& out) {
    out.initialised = EVP_MD_CTX_new();
    if (out.initialised == nullptr) return KeyVerdict::internal;
    const bool good = EVP_DigestVerifyInit_ex(out.initialised, nullptr, nullptr, nullptr, nullptr,
                                              out.pkey, nullptr) == 1;
    return good ? KeyVerdict::ok : KeyVerdict::internal;
}

KeyVerdict prepare_public_key(const Algorithm& algorithm, std::string_view material,
                              PreparedKey& out) {
    out.pkey = read_public_key(as_octets(material)).release();
    if (out.pkey == nullptr) return KeyVerdict::unreadable;
    KeyType type{};
    if (!read_key_type(out.pkey, type)) return KeyVerdict::unsupported;
    if (type != algorithm.key) return KeyVerdict::wrong_type;
    out.signature_size = algorithm.signature_size;
    if (algorithm.scheme == Scheme::eddsa) return prepare_eddsa(out);

    if (type == KeyType::rsa) {
        const KeyVerdict size_verdict = judge_rsa_size(out.pkey);
        if (size_verdict != KeyVerdict::ok) return size_verdict;
        out.signature_size = static_cast<std::size_t>(EVP_PKEY_get_size(out.pkey));
    }
    out.digest = fetch_digest(algorithm.digest);
    out.hasher = EVP_MD_CTX_new();
    out.verifier = EVP_PKEY_CTX_new_from_pkey(nullptr, out.pkey, nullptr);
    if (out.digest == nullptr || out.hasher == nullptr || out.verifier == nullptr)
        return KeyVerdict::internal;
    if (EVP_PKEY_verify_init(out.verifier) != 1) return KeyVerdict::internal;
    if (type == KeyType::rsa && !set_padding(out.verifier, algorithm, out.digest))
        return KeyVerdict::internal;
    if (EVP_PKEY_CTX_set_signature_md(out.verifier, out.digest) != 1) return KeyVerdict::internal;
    return KeyVerdict::ok;
}

}  // namespace

KeyVerdict load_key(std::string_view stored_algorithm, std::string_view material,
                    VerificationKey& out) {
    const ErrorMark mark;
    out = {};
    const Algorithm* const algorithm = find_algorithm(stored_algorithm);
    if (algorithm == nullptr) return KeyVerdict::unsupported;
    PreparedKeyPtr prepared(static_cast<PreparedKey*>(OPENSSL_zalloc(sizeof(PreparedKey))));
    if (!prepared) return KeyVerdict::internal;
    const KeyVerdict verdict = algorithm->scheme == Scheme::hmac
                                   ? prepare_secret(*algorithm, material, *prepared.get())
                                   : prepare_public_key(*algorithm, material, *prepared.get());
    if (verdict != KeyVerdict::ok) return verdict;
    out = {algorithm, prepared.release()};
    return KeyVerdict::ok;
}

void release(VerificationKey& key) {
    free_prepared(static_cast<PreparedKey*>(key.handle));
    key = {};
}

}  // namespace tg::jose
