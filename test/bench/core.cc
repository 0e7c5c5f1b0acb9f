// What verifying a token costs outside the server, for each algorithm: OpenSSL alone with everything
// reused (the floor), our verifier with its keys loaded, and libjwt, which is given the key as PEM as
// its users do. In turns, so that whatever else the machine does hits all three; medians.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "jose/digest.h"
#include "jose/ecdsa_der.h"
#include "jose/token.h"
#include "mint.h"

namespace {

using namespace tg;

[[noreturn]] void give_up(std::string_view what, std::string_view algorithm) {
    std::fprintf(stderr, "bench: %.*s failed for %.*s\n", static_cast<int>(what.size()), what.data(),
                 static_cast<int>(algorithm.size()), algorithm.data());
    std::exit(1);
}

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// The least that OpenSSL can be asked for: the signature is decoded, the key parsed and every context
// set up before the clock runs.
class Floor {
  public:
    Floor(const test::SigningKey& key, std::string_view text, std::string_view signature)
        : algorithm_(key.algorithm()), text_(text), signature_(signature) {
        if (algorithm_.scheme == jose::Scheme::hmac) {
            prepare_hmac(key.material());
            return;
        }
        const unsigned char* der = octets(key.material());
        key_ = d2i_PUBKEY(nullptr, &der, static_cast<long>(key.material().size()));
        if (algorithm_.scheme == jose::Scheme::eddsa) return;
        digest_ = EVP_MD_fetch(nullptr, algorithm_.digest, nullptr);
        hasher_ = EVP_MD_CTX_new();
        verifier_ = EVP_PKEY_CTX_new_from_pkey(nullptr, key_, nullptr);
        EVP_PKEY_verify_init(verifier_);
        if (algorithm_.scheme == jose::Scheme::rsa_pkcs1)
            EVP_PKEY_CTX_set_rsa_padding(verifier_, RSA_PKCS1_PADDING);
        if (algorithm_.scheme == jose::Scheme::rsa_pss) {
            EVP_PKEY_CTX_set_rsa_padding(verifier_, RSA_PKCS1_PSS_PADDING);
            EVP_PKEY_CTX_set_rsa_mgf1_md(verifier_, digest_);
            EVP_PKEY_CTX_set_rsa_pss_saltlen(verifier_, RSA_PSS_SALTLEN_DIGEST);
        }
        EVP_PKEY_CTX_set_signature_md(verifier_, digest_);
        if (algorithm_.scheme == jose::Scheme::ecdsa) make_der();
    }

    bool verify() {
        if (mac_) {
            unsigned char tag[64];
            std::size_t size = 0;
            return EVP_MAC_init(mac_, nullptr, 0, nullptr) == 1 &&
                   EVP_MAC_update(mac_, octets(text_), text_.size()) == 1 &&
                   EVP_MAC_final(mac_, tag, &size, sizeof tag) == 1 && size == signature_.size() &&
                   CRYPTO_memcmp(tag, signature_.data(), size) == 0;
        }
        if (!verifier_) {  // EdDSA: its context cannot be used twice
            EVP_MD_CTX* context = EVP_MD_CTX_new();
            const bool good =
                EVP_DigestVerifyInit_ex(context, nullptr, nullptr, nullptr, nullptr, key_, nullptr) == 1 &&
                EVP_DigestVerify(context, octets(signature_), signature_.size(), octets(text_),
                                 text_.size()) == 1;
            EVP_MD_CTX_free(context);
            return good;
        }
        unsigned char hash[64];
        unsigned size = 0;
        return EVP_DigestInit_ex2(hasher_, digest_, nullptr) == 1 &&
               EVP_DigestUpdate(hasher_, octets(text_), text_.size()) == 1 &&
               EVP_DigestFinal_ex(hasher_, hash, &size) == 1 &&
               EVP_PKEY_verify(verifier_, octets(signature_), signature_.size(), hash, size) == 1;
    }

  private:
    void prepare_hmac(std::string_view secret) {
        mac_ = EVP_MAC_CTX_new(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(algorithm_.digest), 0),
            OSSL_PARAM_construct_end()};
        if (EVP_MAC_init(mac_, octets(secret), secret.size(), params) != 1)
            give_up("the floor", algorithm_.stored_name);
    }

    void make_der() {
        std::array<std::uint8_t, jose::max_ecdsa_der_size> der;
        std::size_t size = 0;
        if (!jose::write_ecdsa_der({octets(signature_), signature_.size()},
                                   jose::curve_order(algorithm_.key), der, size))
            give_up("the floor", algorithm_.stored_name);
        signature_.assign(reinterpret_cast<const char*>(der.data()), size);
    }

    const jose::Algorithm& algorithm_;
    std::string text_, signature_;
    EVP_MAC_CTX* mac_ = nullptr;
    EVP_PKEY* key_ = nullptr;
    EVP_MD* digest_ = nullptr;
    EVP_MD_CTX* hasher_ = nullptr;
    EVP_PKEY_CTX* verifier_ = nullptr;
};

struct Contender {
    const char* name;
    std::function<bool()> verify;
    std::vector<double> samples;  // microseconds per call
};

// Microseconds of this thread: what others do on the machine is not in it.
double processor_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double time_of(const std::function<bool()>& verify, int calls, std::string_view algorithm) {
    const double began = processor_time();
    for (int i = 0; i < calls; i++)
        if (!verify()) give_up("a verification", algorithm);
    return (processor_time() - began) / calls;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Signing input of about 600 bytes, as tokens with a few attributes have.
std::string payload() {
    return R"({"sub":"user_8c2f","tenant_id":"acct_4d1a","user_attributes":{"role":"viewer","region":"EU"},)"
           R"("iat":1717100000,"exp":4102444800,"jti":"c0a8012e-6a1f-4d5a-9a55-5a3f0e5a7d11","scope":")" +
           std::string(240, 'a') + "\"}";
}

bool libjwt_verifies(const std::string& jwt, const std::string& key) {
    jwt_t* token = nullptr;
    const bool good = jwt_decode(&token, jwt.c_str(), octets(key), static_cast<int>(key.size())) == 0 &&
                      jwt_get_alg(token) != JWT_ALG_NONE;
    jwt_free(token);
    return good;
}

void measure(const jose::Algorithm& algorithm, int rounds) {
    const test::SigningKey& key = test::SigningKey::of(algorithm.stored_name);
    const std::string jwt = test::mint(key, test::header_of(key), payload());
    const std::string text = jwt.substr(0, jwt.rfind('.'));
    Floor floor(key, text, test::decode(jwt.substr(text.size() + 1)));

    const jose::RingKey ring[] = {
        {.kid = "k1", .rules = &jose::default_rules, .retired = false, .key = key.verifier()}};
    const jose::Demand demand{.ring = ring, .issuers = {}, .now_us = test::now_us, .require_exp = true,
                              .max_size = 16384};
    std::vector<char> scratch(jose::scratch_size(jwt.size()));
    jose::Token token;
    std::vector<Contender> contenders = {
        {"floor", [&] { return floor.verify(); }, {}},
        {"ours", [&] { return jose::verify_token(jwt, demand, scratch, token) == Verdict::ok; }, {}},
    };
    const std::string libjwt_key =
        algorithm.scheme == jose::Scheme::hmac ? key.material() : key.public_pem();
    // libjwt 1.10 has neither RSA-PSS nor EdDSA.
    if (algorithm.scheme != jose::Scheme::rsa_pss && algorithm.scheme != jose::Scheme::eddsa)
        contenders.push_back({"libjwt", [&] { return libjwt_verifies(jwt, libjwt_key); }, {}});

    const double once = time_of(contenders[1].verify, 3, algorithm.stored_name);
    const int calls = std::clamp(static_cast<int>(500 / once), 1, 200);
    for (int round = 0; round < rounds; round++)
        for (Contender& contender : contenders)
            contender.samples.push_back(time_of(contender.verify, calls, algorithm.stored_name));
    for (const Contender& contender : contenders)
        std::printf("core/%.*s/%s\t%.3f\n", static_cast<int>(algorithm.stored_name.size()),
                    algorithm.stored_name.data(), contender.name, median(contender.samples));
}

// What a remembered token costs the core: its digest.
void measure_digest(int rounds) {
    const std::string jwt(700, 'a');
    const std::string_view view{jwt};
    std::array<std::uint8_t, 32> digest;
    std::vector<double> samples;
    for (int round = 0; round < rounds; round++)
        samples.push_back(time_of([&] { return jose::sha256({&view, 1}, digest); }, 200, "SHA-256"));
    std::printf("core/digest\t%.3f\n", median(samples));
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 301;
    for (const jose::Algorithm& algorithm : jose::algorithms) measure(algorithm, rounds);
    measure_digest(rounds);
}
