#include "mint.h"

#include <cstdlib>
#include <map>
#include <memory>

#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

namespace tg::test {
namespace {

using jose::KeyType;
using jose::Scheme;

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

EVP_PKEY* generate(KeyType type) {
    switch (type) {
        case KeyType::secret:
            return nullptr;
        case KeyType::rsa:
            return EVP_RSA_gen(2048);
        case KeyType::ec_p256:
            return EVP_EC_gen("P-256");
        case KeyType::ec_p384:
            return EVP_EC_gen("P-384");
        case KeyType::ec_p521:
            return EVP_EC_gen("P-521");
        case KeyType::ed25519:
            return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
        case KeyType::ed448:
            return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448");
    }
    return nullptr;
}

std::string der_to_jose(const std::string& der, std::size_t half) {
    const unsigned char* at = octets(der);
    ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(2 * half, '\0');
    auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, static_cast<int>(half));
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + half, static_cast<int>(half));
    ECDSA_SIG_free(pair);
    return out;
}

std::string drain(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
}

}  // namespace

std::string encode(std::string_view bytes) {
    static constexpr char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    unsigned held = 0, bits = 0;
    for (const unsigned char byte : bytes) {
        held = held << 8 | byte;
        for (bits += 8; bits >= 6;) out += digits[held >> (bits -= 6) & 63];
    }
    if (bits != 0) out += digits[held << (6 - bits) & 63];
    return out;
}

std::string decode(std::string_view text) {
    std::string out;
    unsigned held = 0, bits = 0;
    for (const char c : text) {
        const int value = c == '-'   ? 62
                          : c == '_' ? 63
                          : c >= 'a' ? c - 'a' + 26
                          : c >= 'A' ? c - 'A'
                                     : c - '0' + 52;
        held = held << 6 | static_cast<unsigned>(value);
        bits += 6;
        if (bits >= 8) out += static_cast<char>(held >> (bits -= 8));
    }
    return out;
}

SigningKey& SigningKey::of(std::string_view stored_name) {
    // Never destroyed: the keys are in use until the last test ends.
    static auto& keys = *new std::map<std::string, std::unique_ptr<SigningKey>, std::less<>>;
    if (const auto found = keys.find(stored_name); found != keys.end()) return *found->second;
    auto key = std::make_unique<SigningKey>();
    key->algorithm_ = jose::find_algorithm(stored_name);
    if (key->algorithm_ == nullptr) std::abort();
    static EVP_PKEY* const rsa = generate(KeyType::rsa);  // one for all six: making it is slow
    key->pkey_ = key->algorithm_->key == KeyType::rsa ? rsa : generate(key->algorithm_->key);
    if (key->pkey_ == nullptr) {
        key->material_.resize(64);
        RAND_bytes(reinterpret_cast<unsigned char*>(key->material_.data()), 64);
    } else {
        unsigned char* der = nullptr;
        const int size = i2d_PUBKEY(static_cast<EVP_PKEY*>(key->pkey_), &der);
        key->material_.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
    }
    if (jose::load_key(stored_name, key->material_, key->verifier_) != jose::KeyVerdict::ok)
        std::abort();
    return *(keys[std::string(stored_name)] = std::move(key));
}

std::string SigningKey::sign(std::string_view text, int pss_salt) const {
    std::string out(1100, '\0');
    auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
    if (algorithm_->scheme == Scheme::hmac) {
        unsigned size = 0;
        HMAC(EVP_get_digestbyname(algorithm_->digest), material_.data(),
             static_cast<int>(material_.size()), octets(text), text.size(), bytes, &size);
        out.resize(size);
        return out;
    }
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* options = nullptr;
    EVP_DigestSignInit_ex(context, &options, algorithm_->digest, nullptr, nullptr,
                          static_cast<EVP_PKEY*>(pkey_), nullptr);
    if (algorithm_->scheme == Scheme::rsa_pss) {
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, pss_salt);
    }
    std::size_t size = out.size();
    if (EVP_DigestSign(context, bytes, &size, octets(text), text.size()) != 1) std::abort();
    EVP_MD_CTX_free(context);
    out.resize(size);
    if (algorithm_->scheme != Scheme::ecdsa) return out;
    return der_to_jose(out, algorithm_->signature_size / 2);
}

std::string SigningKey::public_pem() const {
    if (pkey_ == nullptr) return {};
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, static_cast<EVP_PKEY*>(pkey_));
    return drain(bio);
}

std::string SigningKey::private_pem() const {
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, static_cast<EVP_PKEY*>(pkey_), nullptr, nullptr, 0, nullptr,
                             nullptr);
    return drain(bio);
}

std::string mint(const SigningKey& key, std::string_view header, std::string_view payload) {
    const std::string text = encode(header) + "." + encode(payload);
    return text + "." + encode(key.sign(text));
}

std::string header_of(const SigningKey& key, std::string_view kid) {
    std::string out = R"({"alg":")" + std::string(key.algorithm().name) + '"';
    if (!kid.empty()) out += R"(,"kid":")" + std::string(kid) + '"';
    return out + R"(,"typ":"JWT"})";
}

Outcome verify(std::string_view jwt, const jose::Demand& demand) {
    // On the heap and of exactly the size, so that AddressSanitizer sees one byte too many.
    const std::vector<char> input(jwt.begin(), jwt.end());
    std::vector<char> scratch(jose::scratch_size(jwt.size()));
    Outcome out{};
    out.verdict = jose::verify_token({input.data(), input.size()}, demand, scratch, out.token);
    out.header = out.token.header;
    out.payload = out.token.payload;
    out.kid = out.token.kid;
    out.subject = out.token.subject;
    out.tenant = out.token.tenant;
    out.jti = out.token.jti;
    return out;
}

Outcome verify(std::string_view jwt, const SigningKey& key) {
    const jose::RingKey ring[] = {{"k1", &jose::default_rules, false, key.verifier()}};
    return verify(
        jwt,
        {.ring = ring, .issuers = {}, .now_us = now_us, .require_exp = true, .max_size = 16384});
}

}  // namespace tg::test
