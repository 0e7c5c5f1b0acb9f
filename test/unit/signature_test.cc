// A signature is good for one key, one algorithm, one text and in one spelling.
#include "jose/signature.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "jose/ecdsa_der.h"
#include "mint.h"
#include "rfc_vectors.h"

namespace tg::jose {
namespace {

using test::SigningKey;

constexpr std::string_view text = "eyJhbGciOiJIUzI1NiJ9.e30";

std::string_view signed_text_of(std::string_view jwt) {
    return jwt.substr(0, jwt.rfind('.'));
}

std::string signature_of(std::string_view jwt) {
    return test::decode(jwt.substr(jwt.rfind('.') + 1));
}

TEST(Signature, TheTokensOfTheRfcsVerify) {
    constexpr struct {
        std::string_view jwk, jwt;
    } cases[] = {
        {vectors::hs256_jwk, vectors::hs256_token},     {vectors::rs256_jwk, vectors::rs256_token},
        {vectors::es256_jwk, vectors::es256_token},     {vectors::es512_jwk, vectors::es512_token},
        {vectors::ed25519_jwk, vectors::ed25519_token},
    };
    for (const auto& [jwk, jwt] : cases) {
        ImportedKey imported;
        ASSERT_EQ(import_jwk(jwk, imported), KeyVerdict::ok);
        VerificationKey key{};
        ASSERT_EQ(load_key(imported.algorithm->stored_name,
                           {reinterpret_cast<const char*>(imported.material.data()),
                            imported.material_size},
                           key),
                  KeyVerdict::ok);
        EXPECT_EQ(verify_signature(key, signed_text_of(jwt), signature_of(jwt)), Verdict::ok);
        EXPECT_EQ(verify_signature(key, signed_text_of(jwt).substr(1), signature_of(jwt)),
                  Verdict::signature_mismatch);
        release(key);
    }
}

class EveryAlgorithm : public testing::TestWithParam<Algorithm> {};

TEST_P(EveryAlgorithm, VerifiesItsOwnAgainAndAgain) {
    const SigningKey& key = SigningKey::of(GetParam().stored_name);
    const std::string good = key.sign(text);
    const std::string other = key.sign("another text");
    // In turns: a context that remembers the last token would fail, or worse, not fail.
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(verify_signature(key.verifier(), text, good), Verdict::ok);
        EXPECT_EQ(verify_signature(key.verifier(), text, other), Verdict::signature_mismatch);
        EXPECT_EQ(verify_signature(key.verifier(), "another text", other), Verdict::ok);
        EXPECT_EQ(verify_signature(key.verifier(), "", good), Verdict::signature_mismatch);
    }
}

TEST_P(EveryAlgorithm, RefusesEveryFlippedBit) {
    const SigningKey& key = SigningKey::of(GetParam().stored_name);
    const std::string good = key.sign(text);
    ASSERT_EQ(verify_signature(key.verifier(), text, good), Verdict::ok);
    for (std::size_t bit = 0; bit < good.size() * 8; bit++) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
        ASSERT_EQ(verify_signature(key.verifier(), text, bad), Verdict::signature_mismatch) << bit;
    }
    for (std::size_t bit = 0; bit < text.size() * 8; bit++) {
        std::string bad(text);
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
        ASSERT_EQ(verify_signature(key.verifier(), bad, good), Verdict::signature_mismatch) << bit;
    }
}

TEST_P(EveryAlgorithm, RefusesOtherLengthsAndConstants) {
    const SigningKey& key = SigningKey::of(GetParam().stored_name);
    const std::string good = key.sign(text);
    for (const std::string& bad :
         {std::string(), good.substr(1), good.substr(0, good.size() - 1), good + '\0', '\0' + good,
          good + good, std::string(good.size(), '\0'), std::string(good.size(), '\xff'),
          std::string(2000, 'x')})
        EXPECT_EQ(verify_signature(key.verifier(), text, bad), Verdict::signature_mismatch)
            << bad.size();
}

TEST_P(EveryAlgorithm, RefusesTheSignaturesOfAllOthers) {
    const SigningKey& key = SigningKey::of(GetParam().stored_name);
    for (const Algorithm& row : algorithms) {
        if (row.stored_name == GetParam().stored_name) continue;
        const std::string other = SigningKey::of(row.stored_name).sign(text);
        EXPECT_EQ(verify_signature(key.verifier(), text, other), Verdict::signature_mismatch)
            << row.stored_name;
    }
}

TEST_P(EveryAlgorithm, LeavesNothingInTheErrorQueue) {
    const SigningKey& key = SigningKey::of(GetParam().stored_name);
    const std::string good = key.sign(text);
    ERR_clear_error();
    verify_signature(key.verifier(), text, std::string(good.size(), '\1'));
    verify_signature(key.verifier(), text, "short");
    EXPECT_EQ(ERR_peek_error(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Signature, EveryAlgorithm, testing::ValuesIn(algorithms),
                         [](const auto& row) {
                             std::string name(row.param.stored_name);
                             for (char& c : name)
                                 if (c == '-') c = '_';
                             return name;
                         });

TEST(Signature, PssWithAnotherSaltIsRefused) {
    const SigningKey& key = SigningKey::of("PS256");
    for (const int salt : {0, 1, 20, 31, 33, 64})
        EXPECT_EQ(verify_signature(key.verifier(), text, key.sign(text, salt)),
                  Verdict::signature_mismatch)
            << salt;
    EXPECT_EQ(verify_signature(key.verifier(), text, key.sign(text, 32)), Verdict::ok);
    EXPECT_EQ(verify_signature(key.verifier(), text, key.sign(text)), Verdict::ok);
}

TEST(Signature, NoKeyIsNotAGoodKey) {
    EXPECT_EQ(verify_signature({}, text, "signature"), Verdict::internal);
    EXPECT_EQ(verify_signature({&algorithms[0], nullptr}, text, "signature"), Verdict::internal);
}

TEST(EcdsaDer, OnlyNumbersFromOneToTheOrderAreWritten) {
    for (const KeyType curve : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521}) {
        const Octets order = curve_order(curve);
        const std::size_t half = order.size();
        using Bytes = std::vector<std::uint8_t>;
        const Bytes n(order.begin(), order.end());
        Bytes zero(half, 0), one(half, 0), below = n, above = n, top(half, 0xff);
        one.back() = 1;
        below.back()--;
        above.back()++;
        const struct {
            const char* why;
            Bytes r, s;
            bool good;
        } cases[] = {
            {"1, 1", one, one, true},       {"n-1, n-1", below, below, true},
            {"0, 1", zero, one, false},     {"1, 0", one, zero, false},
            {"0, 0", zero, zero, false},    {"n, 1", n, one, false},
            {"1, n", one, n, false},        {"n, n", n, n, false},
            {"n+1, 1", above, one, false},  {"2^8k-1, 1", top, one, false},
            {"1, 2^8k-1", one, top, false},
        };
        for (const auto& [why, r, s, good] : cases) {
            Bytes signature = r;
            signature.insert(signature.end(), s.begin(), s.end());
            std::array<std::uint8_t, max_ecdsa_der_size> der;
            std::size_t size = 0;
            EXPECT_EQ(write_ecdsa_der(signature, order, der, size), good) << why << " of " << half;
            signature.pop_back();
            EXPECT_FALSE(write_ecdsa_der(signature, order, der, size));
        }
        Bytes pair = below;
        pair.insert(pair.end(), one.begin(), one.end());
        std::array<std::uint8_t, max_ecdsa_der_size> der;
        std::size_t size = 0;
        ASSERT_TRUE(write_ecdsa_der(pair, order, der, size));
        EXPECT_EQ(der[0], 0x30);
        EXPECT_EQ(der[size - 3], 0x02);
        EXPECT_EQ(der[size - 2], 0x01);
        EXPECT_EQ(der[size - 1], 0x01);
    }
}

}  // namespace
}  // namespace tg::jose
