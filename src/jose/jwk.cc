// Reads one JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037). A JWK says more than a key: what
// it is for, and with which algorithm. What it says is obeyed, or an encryption key published in
// the same set would verify signatures; and a private key is refused, so that a set published by
// mistake is noticed.
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "jose/base64url.h"
#include "jose/digest.h"
#include "jose/json.h"
#include "jose/key.h"
#include "jose/public_key.h"

namespace tg::jose {
namespace {

constexpr std::size_t max_jwk_size = 65'536;   // bytes; x5c chains make keys long
constexpr std::size_t max_member_size = 4096;  // characters of one base64url member that is read

// The members of a JWK that mean something here, as strings; those that are absent are empty.
struct Jwk {
    std::string_view kty, alg, crv, n, e, x, y, k, kid;
};

struct MemberSlot {
    std::string_view name;
    std::string_view Jwk::*slot;
};

constexpr MemberSlot member_slots[] = {
    {"kty", &Jwk::kty}, {"alg", &Jwk::alg}, {"crv", &Jwk::crv}, {"n", &Jwk::n},     {"e", &Jwk::e},
    {"x", &Jwk::x},     {"y", &Jwk::y},     {"k", &Jwk::k},     {"kid", &Jwk::kid},
};

// RFC 7518 sections 6.2.2 and 6.3.2.
constexpr std::string_view private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth"};

// Algorithms of JWE (RFC 7518 section 4.1) by how their names begin.
constexpr std::string_view encryption_prefixes[] = {"RSA",  "ECDH-ES", "dir",  "A128",
                                                    "A192", "A256",    "PBES2"};

struct CurveRow {
    std::string_view crv;
    std::string_view kty;
    KeyType type;
    const char* openssl_group;  // EC only
    std::size_t coordinate_size;
};

constexpr CurveRow curves[] = {
    {"P-256", "EC", KeyType::ec_p256, "prime256v1", 32},
    {"P-384", "EC", KeyType::ec_p384, "secp384r1", 48},
    {"P-521", "EC", KeyType::ec_p521, "secp521r1", 66},
    {"Ed25519", "OKP", KeyType::ed25519, nullptr, 32},
    {"Ed448", "OKP", KeyType::ed448, nullptr, 57},
};

bool is_encryption_algorithm(std::string_view alg) {
    for (const std::string_view prefix : encryption_prefixes)
        if (has_prefix(alg, prefix)) return true;
    return false;
}

// RFC 7517 section 4.2: "use" of a key that verifies is "sig".
bool is_use_allowed(const JsonValue& jwk) {
    JsonValue use;
    return !find_member(jwk, "use", use) || is_string(use, "sig");
}

// RFC 7517 section 4.3. A secret may say "sign" alone where its holder never verifies, but then we
// may not.
bool are_operations_allowed(const JsonValue& jwk) {
    JsonValue operations;
    if (!find_member(jwk, "key_ops", operations)) return true;
    JsonCursor rest = elements_of(operations);
    for (JsonValue operation; take_element(rest, operation);)
        if (is_string(operation, "verify")) return true;
    return false;
}

bool has_private_member(const JsonValue& jwk) {
    for (const std::string_view name : private_members) {
        JsonValue ignored;
        if (find_member(jwk, name, ignored)) return true;
    }
    return false;
}

KeyVerdict read_members(const JsonValue& jwk, std::span<char> room, Jwk& out) {
    for (const MemberSlot& member : member_slots) {
        JsonValue value;
        if (!find_member(jwk, member.name, value)) continue;
        if (value.kind != JsonKind::string) return KeyVerdict::unreadable;
        if (!read_string(value, room, out.*member.slot)) return KeyVerdict::too_large;
        if ((out.*member.slot).size() > max_member_size) return KeyVerdict::too_large;
    }
    return KeyVerdict::ok;
}

// Bytes decoded from one member.
struct Bytes {
    std::array<char, base64url_decoded_size(max_member_size)> data;
    std::size_t size;

    std::string_view text() const { return {data.data(), size}; }
};

bool read_bytes(std::string_view encoded, Bytes& out) {
    return !encoded.empty() && read_base64url(encoded, out.data, out.size);
}

// RFC 7518 section 2, Base64urlUInt: big-endian with no leading zero.
BignumPtr read_number(std::string_view encoded) {
    Bytes bytes;
    if (!read_bytes(encoded, bytes) || bytes.data[0] == '\0') return BignumPtr();
    return BignumPtr(
        BN_bin2bn(as_octets(bytes.text()).data(), static_cast<int>(bytes.size), nullptr));
}

PkeyPtr make_public_key(const char* type, const ParamsBuilderPtr& builder) {
    const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
    const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* pkey = nullptr;
    if (params && context && EVP_PKEY_fromdata_init(context.get()) == 1)
        EVP_PKEY_fromdata(context.get(), &pkey, EVP_PKEY_PUBLIC_KEY, params.get());
    return PkeyPtr(pkey);
}

// An algorithm named by the key wins over the default of its type, if it is one for that type.
KeyVerdict choose_algorithm(const Jwk& jwk, KeyType type, const Algorithm*& out) {
    out = jwk.alg.empty() ? default_algorithm(type) : find_algorithm(jwk.alg, type);
    if (out != nullptr) return KeyVerdict::ok;
    if (is_known_algorithm(jwk.alg)) return KeyVerdict::wrong_type;
    return is_encryption_algorithm(jwk.alg) ? KeyVerdict::wrong_use : KeyVerdict::unsupported;
}

// RFC 7638: the hash of the required members in lexical order. They are base64url or fixed words by
// now, so nothing in them needs an escape.
KeyVerdict store_thumbprint(std::span<const std::string_view> parts, ImportedKey& out) {
    std::array<std::uint8_t, 32> digest;
    std::array<char, 43> thumbprint;
    std::size_t size = 0;
    if (!sha256(parts, digest) || !write_base64url(as_text(digest), thumbprint, size))
        return KeyVerdict::internal;
    return store_kid({thumbprint.data(), size}, out);
}

KeyVerdict import_rsa(const Jwk& jwk, ImportedKey& out) {
    const Algorithm* algorithm = nullptr;
    const KeyVerdict choice = choose_algorithm(jwk, KeyType::rsa, algorithm);
    if (choice != KeyVerdict::ok) return choice;
    const BignumPtr modulus = read_number(jwk.n);
    const BignumPtr exponent = read_number(jwk.e);
    if (!modulus || !exponent) return KeyVerdict::unreadable;
    if (BN_num_bits(modulus.get()) > max_rsa_bits) return KeyVerdict::too_large;

    const ParamsBuilderPtr builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return KeyVerdict::internal;
    const PkeyPtr pkey = make_public_key("RSA", builder);
    if (!pkey) return KeyVerdict::unreadable;
    const KeyVerdict stored = store_public_key(pkey.get(), *algorithm, out);
    if (stored != KeyVerdict::ok || out.kid_size != 0) return stored;
    const std::string_view parts[] = {R"({"e":")", jwk.e, R"(","kty":"RSA","n":")", jwk.n, R"("})"};
    return store_thumbprint(parts, out);
}

PkeyPtr make_ec_key(const CurveRow& curve, std::string_view x, std::string_view y) {
    std::array<char, 1 + 2 * 66> point;
    point[0] = 0x04;  // uncompressed (SEC 1 section 2.3.3)
    std::memcpy(point.data() + 1, x.data(), x.size());
    std::memcpy(point.data() + 1 + x.size(), y.data(), y.size());
    const ParamsBuilderPtr builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                        curve.openssl_group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         1 + x.size() + y.size()) != 1)
        return PkeyPtr();
    return make_public_key("EC", builder);
}

KeyVerdict import_curve(const Jwk& jwk, const CurveRow& curve, ImportedKey& out) {
    const Algorithm* algorithm = nullptr;
    const KeyVerdict choice = choose_algorithm(jwk, curve.type, algorithm);
    if (choice != KeyVerdict::ok) return choice;
    const bool is_ec = curve.openssl_group != nullptr;
    Bytes x, y;
    // RFC 7518 section 6.2.1.2: coordinates are as long as the field, leading zeros and all.
    if (!read_bytes(jwk.x, x) || x.size != curve.coordinate_size) return KeyVerdict::unreadable;
    if (is_ec && (!read_bytes(jwk.y, y) || y.size != curve.coordinate_size))
        return KeyVerdict::unreadable;

    const PkeyPtr pkey =
        is_ec ? make_ec_key(curve, x.text(), y.text())
              : PkeyPtr(EVP_PKEY_new_raw_public_key_ex(nullptr, curve.crv.data(), nullptr,
                                                       as_octets(x.text()).data(), x.size));
    if (!pkey) return KeyVerdict::off_curve;
    const KeyVerdict stored = store_public_key(pkey.get(), *algorithm, out);
    if (stored != KeyVerdict::ok || out.kid_size != 0) return stored;
    const std::string_view with_y[] = {
        R"({"crv":")", jwk.crv, R"(","kty":"EC","x":")", jwk.x, R"(","y":")", jwk.y, R"("})"};
    const std::string_view without_y[] = {R"({"crv":")", jwk.crv, R"(","kty":"OKP","x":")", jwk.x,
                                          R"("})"};
    return is_ec ? store_thumbprint(with_y, out) : store_thumbprint(without_y, out);
}

// No thumbprint here: views, logs and tokens show the kid, and a hash of a secret lets anybody try
// guesses offline (RFC 7638 section 7).
KeyVerdict import_oct(const Jwk& jwk, ImportedKey& out) {
    const Algorithm* algorithm = nullptr;
    const KeyVerdict choice = choose_algorithm(jwk, KeyType::secret, algorithm);
    if (choice != KeyVerdict::ok) return choice;
    if (out.kid_size == 0) return KeyVerdict::kid_missing;
    Bytes secret;
    const bool good = read_bytes(jwk.k, secret);
    const KeyVerdict stored =
        good ? store_secret(secret.text(), *algorithm, out) : KeyVerdict::unreadable;
    OPENSSL_cleanse(&secret, sizeof secret);
    return stored;
}

KeyVerdict import_by_type(const JsonValue& object, const Jwk& jwk, ImportedKey& out) {
    if (jwk.kty == "oct") return import_oct(jwk, out);
    if (jwk.kty != "RSA" && jwk.kty != "EC" && jwk.kty != "OKP")
        return jwk.kty.empty() ? KeyVerdict::unreadable : KeyVerdict::unsupported;
    if (has_private_member(object)) return KeyVerdict::private_key;
    if (jwk.kty == "RSA") return import_rsa(jwk, out);
    for (const CurveRow& curve : curves)
        if (curve.kty == jwk.kty && curve.crv == jwk.crv) return import_curve(jwk, curve, out);
    return jwk.crv.empty() ? KeyVerdict::unreadable : KeyVerdict::unsupported;
}

}  // namespace

KeyVerdict import_jwk(std::string_view json, ImportedKey& out) {
    const ErrorMark mark;
    wipe(out);
    if (json.size() > max_jwk_size) return KeyVerdict::too_large;
    JsonValue object;
    if (read_json(json, object) != JsonVerdict::ok || object.kind != JsonKind::object)
        return KeyVerdict::unreadable;
    if (!is_use_allowed(object) || !are_operations_allowed(object)) return KeyVerdict::wrong_use;

    // Members are unescaped here, and one of them may be a secret.
    std::array<char, 2 * max_member_size> room;
    Jwk jwk;
    KeyVerdict verdict = read_members(object, room, jwk);
    if (verdict == KeyVerdict::ok && !jwk.kid.empty()) verdict = store_kid(jwk.kid, out);
    if (verdict == KeyVerdict::ok) verdict = import_by_type(object, jwk, out);
    OPENSSL_cleanse(room.data(), room.size());
    return verdict;
}

}  // namespace tg::jose
