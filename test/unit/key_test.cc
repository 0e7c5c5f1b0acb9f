// What an administrator may hand in as a key, and every weak, private or misplaced thing that is
// refused.
#include "jose/key.h"

#include <memory>

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "jose/edwards_point.h"
#include "mint.h"
#include "rfc_vectors.h"

namespace tg::jose {
namespace {

using test::SigningKey;

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
    std::string out(text);
    const std::size_t at = out.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return out.replace(at, what.size(), with);
}

std::string kid_of(const ImportedKey& key) {
    return {key.kid.data(), key.kid_size};
}

std::string material_of(const ImportedKey& key) {
    return {reinterpret_cast<const char*>(key.material.data()), key.material_size};
}

KeyVerdict jwk_verdict(std::string_view json) {
    const auto out = std::make_unique<ImportedKey>();
    return import_jwk(json, *out);
}

std::string with_member(std::string_view jwk, std::string_view member) {
    return "{" + std::string(member) + "," + std::string(jwk.substr(1));
}

TEST(Jwk, ThumbprintsAreThoseOfTheRfcs) {
    ImportedKey key;
    ASSERT_EQ(import_jwk(vectors::rsa_jwk, key), KeyVerdict::ok);
    EXPECT_EQ(kid_of(key), vectors::rsa_thumbprint);
    EXPECT_EQ(key.algorithm->name, "RS256");
    ASSERT_EQ(import_jwk(vectors::ed25519_jwk, key), KeyVerdict::ok);
    EXPECT_EQ(kid_of(key), vectors::ed25519_thumbprint);
    EXPECT_EQ(key.algorithm->stored_name, "EdDSA-Ed25519");
}

TEST(Jwk, TheAlgorithmFollowsFromTheKeyUnlessItIsNamed) {
    const struct {
        std::string jwk;
        std::string_view stored_name;
    } cases[] = {
        {std::string(vectors::rs256_jwk), "RS256"},
        {with_member(vectors::rs256_jwk, R"("alg":"PS384")"), "PS384"},
        {std::string(vectors::es256_jwk), "ES256"},
        {std::string(vectors::es512_jwk), "ES512"},
        {std::string(vectors::ed25519_jwk), "EdDSA-Ed25519"},
        {with_member(vectors::ed25519_jwk, R"("alg":"EdDSA")"), "EdDSA-Ed25519"},
        {R"({"kty":"oct","kid":"k","k":")" + test::encode(std::string(64, 'x')) + R"("})", "HS256"},
        {R"({"kty":"oct","kid":"k","alg":"HS512","k":")" + test::encode(std::string(64, 'x')) +
             R"("})",
         "HS512"},
    };
    for (const auto& [jwk, stored_name] : cases) {
        ImportedKey key;
        ASSERT_EQ(import_jwk(jwk, key), KeyVerdict::ok) << jwk;
        EXPECT_EQ(key.algorithm->stored_name, stored_name);
        EXPECT_EQ(key.is_secret, key.algorithm->key == KeyType::secret);
        VerificationKey loaded{};
        EXPECT_EQ(load_key(stored_name, material_of(key), loaded), KeyVerdict::ok);
        release(loaded);
        EXPECT_EQ(loaded.handle, nullptr);
    }
}

TEST(Jwk, WhatItSaysItIsForIsObeyed) {
    constexpr struct {
        std::string_view member;
        KeyVerdict verdict;
    } cases[] = {
        {R"("use":"sig")", KeyVerdict::ok},
        {R"("use":"enc")", KeyVerdict::wrong_use},
        {R"("use":["sig"])", KeyVerdict::wrong_use},
        {R"("use":null)", KeyVerdict::wrong_use},
        {R"("key_ops":["verify"])", KeyVerdict::ok},
        {R"("key_ops":["sign","verify"])", KeyVerdict::ok},
        {R"("key_ops":["sign"])", KeyVerdict::wrong_use},
        {R"("key_ops":["encrypt","wrapKey"])", KeyVerdict::wrong_use},
        {R"("key_ops":[])", KeyVerdict::wrong_use},
        {R"("key_ops":"verify")", KeyVerdict::wrong_use},
        {R"("alg":"RS512")", KeyVerdict::ok},
        {R"("alg":"RSA-OAEP")", KeyVerdict::wrong_use},
        {R"("alg":"RSA1_5")", KeyVerdict::wrong_use},
        {R"("alg":"ES256")", KeyVerdict::wrong_type},
        {R"("alg":"HS256")", KeyVerdict::wrong_type},
        {R"("alg":"none")", KeyVerdict::unsupported},
        {R"("alg":"rs256")", KeyVerdict::unsupported},
        {R"("alg":7)", KeyVerdict::unreadable},
        {R"("kid":7)", KeyVerdict::unreadable},
        {R"("x5c":["MIIC"],"x5t":"AA","ext":true)", KeyVerdict::ok},
        {R"("kty":"RSA")", KeyVerdict::unreadable},  // the second of that name
    };
    for (const auto& [member, verdict] : cases)
        EXPECT_EQ(jwk_verdict(with_member(vectors::rs256_jwk, member)), verdict) << member;
}

TEST(Jwk, APrivateKeyIsRefusedWhateverItsType) {
    for (const std::string_view member :
         {R"("d":"AQ")", R"("p":"AQ")", R"("q":"AQ")", R"("dp":"AQ")", R"("dq":"AQ")",
          R"("qi":"AQ")", R"("oth":[])", R"("d":null)", R"("\u0064":"AQ")"})
        EXPECT_EQ(jwk_verdict(with_member(vectors::rs256_jwk, member)), KeyVerdict::private_key)
            << member;
    EXPECT_EQ(jwk_verdict(with_member(vectors::es256_jwk, R"("d":"AQ")")), KeyVerdict::private_key);
    EXPECT_EQ(jwk_verdict(with_member(vectors::ed25519_jwk, R"("d":"AQ")")),
              KeyVerdict::private_key);
}

TEST(Jwk, MalformedOnesAreRefused) {
    const std::string x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const struct {
        const char* why;
        std::string jwk;
        KeyVerdict verdict;
    } cases[] = {
        {"nothing", "", KeyVerdict::unreadable},
        {"no JSON", "not a key", KeyVerdict::unreadable},
        {"an array", "[]", KeyVerdict::unreadable},
        {"no type", "{}", KeyVerdict::unreadable},
        {"a set of keys", R"({"keys":[]})", KeyVerdict::unreadable},
        {"an unknown type", R"({"kty":"AKP"})", KeyVerdict::unsupported},
        {"the type in lower case", replaced(vectors::rs256_jwk, "RSA", "rsa"),
         KeyVerdict::unsupported},
        {"no modulus", R"({"kty":"RSA","e":"AQAB"})", KeyVerdict::unreadable},
        {"a modulus of zero", R"({"kty":"RSA","n":"AA","e":"AQAB"})", KeyVerdict::unreadable},
        {"padding", replaced(vectors::ed25519_jwk, "HURo", "HURo="), KeyVerdict::unreadable},
        {"plain base64", replaced(vectors::ed25519_jwk, "VS_7", "VS/7"), KeyVerdict::unreadable},
        {"left-over bits", replaced(vectors::ed25519_jwk, "HURo", "HURp"), KeyVerdict::unreadable},
        {"a leading zero in e", replaced(vectors::rs256_jwk, R"("AQAB")", R"("AAEAAQ")"),
         KeyVerdict::unreadable},
        {"an unsupported curve", replaced(vectors::es256_jwk, "P-256", "secp256k1"),
         KeyVerdict::unsupported},
        {"an EC curve of type OKP", replaced(vectors::es256_jwk, "EC", "OKP"),
         KeyVerdict::unsupported},
        {"X25519", replaced(vectors::ed25519_jwk, "Ed25519", "X25519"), KeyVerdict::unsupported},
        {"a coordinate cut short", replaced(vectors::es256_jwk, x, x.substr(0, 42)),
         KeyVerdict::unreadable},
        {"no y", R"({"kty":"EC","crv":"P-256","x":")" + x + R"("})", KeyVerdict::unreadable},
        {"a point off the curve",
         R"({"kty":"EC","crv":"P-256","x":")" + x + R"(","y":")" + x + R"("})",
         KeyVerdict::off_curve},
        {"the point zero",
         R"({"kty":"EC","crv":"P-256","x":")" + std::string(43, 'A') + R"(","y":")" +
             std::string(43, 'A') + R"("})",
         KeyVerdict::off_curve},
        {"a kid of 257 bytes",
         with_member(vectors::rs256_jwk, R"("kid":")" + std::string(257, 'k') + '"'),
         KeyVerdict::kid_too_long},
        {"a kid of 256 bytes",
         with_member(vectors::rs256_jwk, R"("kid":")" + std::string(256, 'k') + '"'),
         KeyVerdict::ok},
        {"a key of 100 kB",
         with_member(vectors::rs256_jwk, R"("x5c":[")" + std::string(100'000, 'A') + R"("])"),
         KeyVerdict::too_large},
        {"a secret of 31 bytes",
         R"({"kty":"oct","kid":"k","k":")" + test::encode(std::string(31, 'x')) + R"("})",
         KeyVerdict::too_weak},
        {"a secret of one byte", R"({"kty":"oct","kid":"k","k":"AQ"})", KeyVerdict::too_weak},
        {"an empty secret", R"({"kty":"oct","kid":"k","k":""})", KeyVerdict::unreadable},
        {"an encryption secret",
         R"({"kty":"oct","alg":"A256KW","k":")" + test::encode(std::string(32, 'x')) + R"("})",
         KeyVerdict::wrong_use},
    };
    for (const auto& [why, jwk, verdict] : cases) EXPECT_EQ(jwk_verdict(jwk), verdict) << why;
}

TEST(Jwk, ASecretWithoutANameDoesNotPublishItsHash) {
    const std::string k = test::encode(std::string(64, 'x'));
    const auto secret = [&k](std::string_view member) {
        return R"({"kty":"oct",)" + std::string(member) + R"("k":")" + k + R"("})";
    };
    EXPECT_EQ(jwk_verdict(secret(R"("kid":"k1",)")), KeyVerdict::ok) << "the control";
    EXPECT_EQ(jwk_verdict(secret("")), KeyVerdict::kid_missing);
    EXPECT_EQ(jwk_verdict(secret(R"("alg":"HS512",)")), KeyVerdict::kid_missing);
    EXPECT_EQ(jwk_verdict(secret(R"("kid":"",)")), KeyVerdict::kid_missing);
    EXPECT_EQ(jwk_verdict(secret(R"("kid":null,)")), KeyVerdict::unreadable);
    EXPECT_EQ(jwk_verdict(secret(R"("key_ops":["sign"],"kid":"k1",)")), KeyVerdict::wrong_use);

    ImportedKey key;
    ASSERT_EQ(import_jwk(secret(""), key), KeyVerdict::kid_missing);
    EXPECT_EQ(key.kid_size, 0u) << "nothing to show";
    EXPECT_EQ(key.material_size, 0u) << "nothing to store";
    EXPECT_NE(std::string(describe(KeyVerdict::kid_missing)).find("kid"), std::string::npos);
}

// A modulus of this many bits: nobody factors it here, and import tells prime and even ones apart.
std::string rsa_jwk_of(int bits, const char* exponent) {
    EVP_PKEY* const pkey = EVP_RSA_gen(static_cast<unsigned>(bits));
    BIGNUM* n = nullptr;
    EVP_PKEY_get_bn_param(pkey, "n", &n);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
    BN_bn2bin(n, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(n);
    EVP_PKEY_free(pkey);
    return R"({"kty":"RSA","n":")" + test::encode(bytes) + R"(","e":")" + exponent + R"("})";
}

TEST(Jwk, WeakAndHugeRsaKeysAreRefused) {
    EXPECT_EQ(jwk_verdict(rsa_jwk_of(1024, "AQAB")), KeyVerdict::too_weak);
    EXPECT_EQ(jwk_verdict(rsa_jwk_of(2047, "AQAB")), KeyVerdict::too_weak);
    EXPECT_EQ(jwk_verdict(rsa_jwk_of(2048, "AQAB")), KeyVerdict::ok);
    std::string huge(1025, '\xff');
    EXPECT_EQ(jwk_verdict(R"({"kty":"RSA","n":")" + test::encode(huge) + R"(","e":"AQAB"})"),
              KeyVerdict::too_large);
    std::string even(256, '\xfe');
    EXPECT_EQ(jwk_verdict(R"({"kty":"RSA","n":")" + test::encode(even) + R"(","e":"AQAB"})"),
              KeyVerdict::too_weak);
    constexpr struct {
        std::string_view why, e;
        KeyVerdict verdict;
    } exponents[] = {
        {"1", "AQ", KeyVerdict::bad_exponent},
        {"3", "Aw", KeyVerdict::bad_exponent},
        {"65535", "__8", KeyVerdict::bad_exponent},
        {"65536", "AQAA", KeyVerdict::bad_exponent},
        {"65537", "AQAB", KeyVerdict::ok},
        {"65538", "AQAC", KeyVerdict::bad_exponent},
        {"65539", "AQAD", KeyVerdict::ok},
        {"2^32 - 1", "_____w", KeyVerdict::ok},
        {"2^32 + 1", "AQAAAAE", KeyVerdict::bad_exponent},
    };
    for (const auto& [why, e, verdict] : exponents)
        EXPECT_EQ(jwk_verdict(replaced(vectors::rs256_jwk, "AQAB", e)), verdict) << why;
}

TEST(Jwk, AKeyOfAChipWithWeakPrimesIsRefused) {
    // Of two primes of the form of CVE-2017-15361, made by test/vectors/attacks.py.
    constexpr std::string_view modulus =
        R"(kAXaPbePDp3w551PGFRIjBHdBDOFAiGrkLgoxRdRwgPc2MDJMX_fbrYrLcFBmhZ7U6wZsRF4Pk8HjvsP)"
        R"(FFXlLupxKT2wY782OF3HXFfyofp5Bv3KQG2pLSOsSfKzoIoGaMF-R0THus5PXOZV2FUBi1oBMs7npihu)"
        R"(_0U_axMp_Py9ySkZBuNYjBNxV3hAxout--O16wC8BH8kH1cVd1-pIoESxP7qUzI-tUQSJ6w7DkLHyYtn)"
        R"(6DwOvhhwELQzsCaT5PKMADE1ncJ3bbNC-or-fNo9NnlJ56dsSknP7usL80fBr0Aaem8fudMYMDkWq5ga)"
        R"(7Kwpz550-h_DFnOjWV0Uvw)";
    EXPECT_EQ(jwk_verdict(R"({"kty":"RSA","e":"AQAB","n":")" + std::string(modulus) + R"("})"),
              KeyVerdict::too_weak);
}

std::string from_hex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2)
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
}

TEST(EdwardsPoint, PointsThatAnybodyCanSignForAreRefused) {
    const struct {
        const char* why;
        KeyType type;
        std::string hex;
        KeyVerdict verdict;
    } cases[] = {
        {"RFC 8032 7.1 test 1", KeyType::ed25519,
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", KeyVerdict::ok},
        {"order 4", KeyType::ed25519, std::string(64, '0'), KeyVerdict::too_weak},
        {"order 4, other sign", KeyType::ed25519, std::string(62, '0') + "80",
         KeyVerdict::too_weak},
        {"order 1", KeyType::ed25519, "01" + std::string(62, '0'), KeyVerdict::too_weak},
        {"order 1, sign set", KeyType::ed25519, "01" + std::string(60, '0') + "80",
         KeyVerdict::too_weak},
        {"order 2", KeyType::ed25519, "ec" + std::string(60, 'f') + "7f", KeyVerdict::too_weak},
        {"order 2, sign set", KeyType::ed25519, "ec" + std::string(62, 'f'), KeyVerdict::too_weak},
        {"order 8", KeyType::ed25519,
         "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", KeyVerdict::too_weak},
        {"order 8, other sign", KeyType::ed25519,
         "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", KeyVerdict::too_weak},
        {"order 8, other y", KeyType::ed25519,
         "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", KeyVerdict::too_weak},
        {"order 8, other y and sign", KeyType::ed25519,
         "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", KeyVerdict::too_weak},
        {"zero written as p", KeyType::ed25519, "ed" + std::string(60, 'f') + "7f",
         KeyVerdict::off_curve},
        {"one written as p + 1", KeyType::ed25519, "ee" + std::string(60, 'f') + "7f",
         KeyVerdict::off_curve},
        {"all ones", KeyType::ed25519, std::string(64, 'f'), KeyVerdict::off_curve},
        {"y = 2, of which there is no x", KeyType::ed25519, "02" + std::string(62, '0'),
         KeyVerdict::off_curve},
        {"RFC 8032 7.4 blank", KeyType::ed448,
         "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778"
         "edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
         KeyVerdict::ok},
        {"Ed448 order 4", KeyType::ed448, std::string(114, '0'), KeyVerdict::too_weak},
        {"Ed448 order 1", KeyType::ed448, "01" + std::string(112, '0'), KeyVerdict::too_weak},
        {"Ed448 order 2", KeyType::ed448,
         "fe" + std::string(54, 'f') + "fe" + std::string(54, 'f') + "00", KeyVerdict::too_weak},
        {"Ed448 zero written as p", KeyType::ed448,
         std::string(56, 'f') + "fe" + std::string(54, 'f') + "00", KeyVerdict::off_curve},
        {"Ed448 with stray bits", KeyType::ed448, std::string(112, '0') + "01",
         KeyVerdict::off_curve},
        {"a point cut short", KeyType::ed25519, std::string(62, '0'), KeyVerdict::unreadable},
    };
    for (const auto& [why, type, hex, verdict] : cases) {
        const std::string bytes = from_hex(hex);
        EXPECT_EQ(judge_edwards_point(as_octets(bytes), type), verdict) << why;
        if (bytes.size() < 32) continue;
        const std::string jwk = std::string(R"({"kty":"OKP","crv":")") +
                                (type == KeyType::ed25519 ? "Ed25519" : "Ed448") + R"(","x":")" +
                                test::encode(bytes) + R"("})";
        EXPECT_EQ(jwk_verdict(jwk), verdict) << why;
    }
}

TEST(EdwardsPoint, EveryFreshKeyIsAccepted) {
    for (const char* name : {"ED25519", "ED448"}) {
        for (int i = 0; i < 64; i++) {
            EVP_PKEY* const pkey = EVP_PKEY_Q_keygen(nullptr, nullptr, name);
            std::uint8_t point[57];
            std::size_t size = sizeof point;
            ASSERT_EQ(EVP_PKEY_get_raw_public_key(pkey, point, &size), 1);
            EVP_PKEY_free(pkey);
            EXPECT_EQ(
                judge_edwards_point({point, size}, size == 32 ? KeyType::ed25519 : KeyType::ed448),
                KeyVerdict::ok);
        }
    }
}

KeyVerdict pem_verdict(std::string_view alg, std::string_view pem,
                       std::string* material = nullptr) {
    const auto out = std::make_unique<ImportedKey>();
    const KeyVerdict verdict = import_pem("k1", alg, pem, *out);
    if (material != nullptr) *material = material_of(*out);
    return verdict;
}

std::string drain(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
}

std::string certificate_of(std::string_view private_pem) {
    BIO* const in = BIO_new_mem_buf(private_pem.data(), static_cast<int>(private_pem.size()));
    EVP_PKEY* const pkey = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    X509* const certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, pkey);
    X509_sign(certificate, pkey, EVP_sha256());
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    X509_free(certificate);
    EVP_PKEY_free(pkey);
    return drain(bio);
}

std::string pkcs1_of(std::string_view public_pem) {
    BIO* const in = BIO_new_mem_buf(public_pem.data(), static_cast<int>(public_pem.size()));
    EVP_PKEY* const pkey = PEM_read_bio_PUBKEY(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    unsigned char* der = nullptr;
    const int size = i2d_PublicKey(pkey, &der);
    EVP_PKEY_free(pkey);
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio(bio, "RSA PUBLIC KEY", "", der, size);
    OPENSSL_free(der);
    return drain(bio);
}

TEST(Pem, EachFormOfOneKeyIsStoredAlike) {
    const SigningKey& rsa = SigningKey::of("RS256");
    for (const std::string& pem :
         {rsa.public_pem(), pkcs1_of(rsa.public_pem()), certificate_of(rsa.private_pem()),
          "\r\n" + rsa.public_pem() + " \t"}) {
        std::string material;
        EXPECT_EQ(pem_verdict("RS256", pem, &material), KeyVerdict::ok) << pem;
        EXPECT_EQ(material, rsa.material());
    }
    for (const Algorithm& row : algorithms) {
        if (row.key == KeyType::secret) continue;
        const std::string pem = SigningKey::of(row.stored_name).public_pem();
        ImportedKey key;
        EXPECT_EQ(import_pem("k1", row.name, pem, key), KeyVerdict::ok) << row.stored_name;
        EXPECT_EQ(key.algorithm, &row);
        EXPECT_EQ(import_pem("k1", row.stored_name, pem, key), KeyVerdict::ok) << row.stored_name;
        EXPECT_EQ(key.algorithm, &row);
        EXPECT_EQ(kid_of(key), "k1");
    }
}

TEST(Pem, AnythingButOnePublicKeyIsRefused) {
    const SigningKey& rsa = SigningKey::of("RS256");
    const std::string pem = rsa.public_pem();
    const std::string k256 = [] {
        EVP_PKEY* const pkey = EVP_EC_gen("secp256k1");
        BIO* const bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PUBKEY(bio, pkey);
        EVP_PKEY_free(pkey);
        return drain(bio);
    }();
    const struct {
        const char* why;
        std::string_view alg;
        std::string pem;
        KeyVerdict verdict;
    } cases[] = {
        {"the control", "RS256", pem, KeyVerdict::ok},
        {"nothing", "RS256", "", KeyVerdict::unreadable},
        {"no PEM", "RS256", "hello", KeyVerdict::unreadable},
        {"a private key", "RS256", rsa.private_pem(), KeyVerdict::private_key},
        {"a private key behind the public one", "RS256", pem + rsa.private_pem(),
         KeyVerdict::private_key},
        {"two keys", "RS256", pem + pem, KeyVerdict::unreadable},
        {"text before", "RS256", "key:\n" + pem, KeyVerdict::unreadable},
        {"text behind", "RS256", pem + "that was it", KeyVerdict::unreadable},
        {"no end", "RS256", pem.substr(0, pem.size() - 10), KeyVerdict::unreadable},
        {"nothing between", "RS256", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
         KeyVerdict::unreadable},
        {"begin and end that overlap", "RS256", "-----BEGIN PUBLIC KEY-----END PUBLIC KEY-----",
         KeyVerdict::unreadable},
        {"another label", "RS256", replaced(pem, "BEGIN PUBLIC", "BEGIN RSA PUBLIC"),
         KeyVerdict::unreadable},
        {"bad base64", "RS256", replaced(pem, "MII", "M!I"), KeyVerdict::unreadable},
        {"bytes behind the DER", "RS256", replaced(pem, "\n-----END", "AAAA\n-----END"),
         KeyVerdict::unreadable},
        {"an algorithm of another type", "ES256", pem, KeyVerdict::wrong_type},
        {"an HMAC keyed with a public key", "HS256", pem, KeyVerdict::wrong_type},
        {"another curve", "ES384", SigningKey::of("ES256").public_pem(), KeyVerdict::wrong_type},
        {"no algorithm", "none", pem, KeyVerdict::unsupported},
        {"a curve without an algorithm", "ES256", k256, KeyVerdict::unsupported},
        {"an enormous one", "RS256",
         "-----BEGIN PUBLIC KEY-----\n" + std::string(40'000, 'A') + "\n-----END PUBLIC KEY-----",
         KeyVerdict::too_large},
    };
    for (const auto& [why, alg, text, verdict] : cases)
        EXPECT_EQ(pem_verdict(alg, text), verdict) << why;
    ImportedKey key;
    EXPECT_EQ(import_pem("", "RS256", pem, key), KeyVerdict::kid_too_long);
    EXPECT_EQ(import_pem(std::string(257, 'k'), "RS256", pem, key), KeyVerdict::kid_too_long);
}

TEST(Secret, ShorterThanTheHashIsTooWeak) {
    constexpr struct {
        std::string_view alg;
        std::size_t size;
        KeyVerdict verdict;
    } cases[] = {
        {"HS256", 0, KeyVerdict::too_weak},    {"HS256", 1, KeyVerdict::too_weak},
        {"HS256", 31, KeyVerdict::too_weak},   {"HS256", 32, KeyVerdict::ok},
        {"HS384", 47, KeyVerdict::too_weak},   {"HS384", 48, KeyVerdict::ok},
        {"HS512", 63, KeyVerdict::too_weak},   {"HS512", 64, KeyVerdict::ok},
        {"HS512", 2304, KeyVerdict::ok},       {"HS512", 2305, KeyVerdict::too_large},
        {"RS256", 64, KeyVerdict::wrong_type}, {"EdDSA", 64, KeyVerdict::wrong_type},
        {"none", 64, KeyVerdict::unsupported}, {"hs256", 64, KeyVerdict::unsupported},
    };
    for (const auto& [alg, size, verdict] : cases) {
        ImportedKey key;
        EXPECT_EQ(import_secret("k1", alg, std::string(size, 'x'), key), verdict)
            << alg << " " << size;
        VerificationKey loaded{};
        if (verdict == KeyVerdict::too_weak) {
            EXPECT_EQ(load_key(alg, std::string(size, 'x'), loaded), verdict);
            EXPECT_EQ(loaded.handle, nullptr);
        }
    }
}

TEST(Secret, WhatEverybodyKnowsIsNoSecret) {
    // The attack: an administrator, or a program, hands the issuer's public key to the function for
    // secrets, and whoever reads the issuer's website can sign (RFC 8725 section 2.1).
    const SigningKey& rsa = SigningKey::of("RS256");
    const std::string filler(64, 'x');
    const struct {
        const char* why;
        std::string secret;
        KeyVerdict verdict;
    } cases[] = {
        {"the control", filler, KeyVerdict::ok},
        {"a public key", rsa.public_pem(), KeyVerdict::wrong_type},
        {"an EC public key", SigningKey::of("ES256").public_pem(), KeyVerdict::wrong_type},
        {"a certificate", certificate_of(rsa.private_pem()), KeyVerdict::wrong_type},
        {"an RSA public key", pkcs1_of(rsa.public_pem()), KeyVerdict::wrong_type},
        {"a private key, which is another's secret", rsa.private_pem(), KeyVerdict::wrong_type},
        {"an ssh key", "ssh-rsa " + filler, KeyVerdict::wrong_type},
        {"an Ed25519 ssh key", "ssh-ed25519 " + filler, KeyVerdict::wrong_type},
        {"an ECDSA ssh key", "ecdsa-sha2-nistp256 " + filler, KeyVerdict::wrong_type},
    };
    for (const auto& [why, secret, verdict] : cases) {
        for (const char* alg : {"HS256", "HS384", "HS512"}) {
            ImportedKey key;
            EXPECT_EQ(import_secret("k1", alg, secret, key), verdict) << why;
            const std::string jwk = R"({"kty":"oct","kid":"k1","alg":")" + std::string(alg) +
                                    R"(","k":")" + test::encode(secret) + R"("})";
            EXPECT_EQ(import_jwk(jwk, key), verdict) << why << ", as JWK";
        }
    }
}

TEST(Secret, WipingLeavesNothing) {
    ImportedKey key;
    ASSERT_EQ(import_secret("k1", "HS256", std::string(32, 'x'), key), KeyVerdict::ok);
    wipe(key);
    EXPECT_EQ(material_of(key), "");
    for (const std::uint8_t byte : key.material) ASSERT_EQ(byte, 0);
}

TEST(LoadKey, AStoredKeyOfTheWrongKindIsRefused) {
    const std::string rsa = SigningKey::of("RS256").material();
    const struct {
        const char* why;
        std::string_view algorithm;
        std::string material;
        KeyVerdict verdict;
    } cases[] = {
        {"an unknown algorithm", "none", rsa, KeyVerdict::unsupported},
        {"EdDSA without its curve", "EdDSA", SigningKey::of("EdDSA-Ed25519").material(),
         KeyVerdict::unsupported},
        {"an RSA key under ES256", "ES256", rsa, KeyVerdict::wrong_type},
        {"a P-256 key under ES384", "ES384", SigningKey::of("ES256").material(),
         KeyVerdict::wrong_type},
        {"no DER", "RS256", "garbage", KeyVerdict::unreadable},
        {"nothing", "RS256", "", KeyVerdict::unreadable},
        {"bytes behind the DER", "RS256", rsa + "x", KeyVerdict::unreadable},
    };
    for (const auto& [why, algorithm, material, verdict] : cases) {
        VerificationKey key{};
        EXPECT_EQ(load_key(algorithm, material, key), verdict) << why;
        EXPECT_EQ(key.handle, nullptr);
    }
}

TEST(KeyVerdict, EachIsAFullSentence) {
    for (int i = 0; i <= static_cast<int>(KeyVerdict::internal); i++)
        EXPECT_EQ(std::string(describe(static_cast<KeyVerdict>(i))).back(), '.');
}

}  // namespace
}  // namespace tg::jose
