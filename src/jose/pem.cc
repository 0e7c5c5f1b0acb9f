// Reads one public key from PEM (RFC 7468). Exactly one block and nothing around it: a file with
// several keys does not say which one is meant, and one with a private key beside the public one
// should not be here.
#include <openssl/crypto.h>

#include "jose/key.h"
#include "jose/public_key.h"

namespace tg::jose {
namespace {

constexpr std::size_t max_der_size = 16'384;  // a certificate with many names

enum class Label : std::uint8_t { public_key, rsa_public_key, certificate };

struct LabelRow {
    std::string_view begin, end;
    Label label;
};

constexpr LabelRow labels[] = {
    {"-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----", Label::public_key},
    {"-----BEGIN RSA PUBLIC KEY-----", "-----END RSA PUBLIC KEY-----", Label::rsa_public_key},
    {"-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", Label::certificate},
};

constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

constexpr int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

struct Der {
    std::array<std::uint8_t, max_der_size> data;
    std::size_t size;
};

// RFC 4648 section 4 with padding, broken into lines; nothing else may stand between.
bool read_base64(std::string_view text, Der& out) {
    out.size = 0;
    std::uint32_t held = 0;
    unsigned held_bits = 0, digits = 0, padding = 0;
    for (const char c : text) {
        if (is_space(c)) continue;
        if (c == '=') {
            padding++;
            continue;
        }
        const int value = base64_value(c);
        if (value < 0 || padding != 0) return false;
        held = held << 6 | static_cast<std::uint32_t>(value);
        held_bits += 6;
        digits++;
        if (held_bits < 8) continue;
        held_bits -= 8;
        if (out.size == out.data.size()) return false;
        out.data[out.size++] = static_cast<std::uint8_t>(held >> held_bits & 0xff);
    }
    return padding <= 2 && (digits + padding) % 4 == 0 && (held & ((1u << held_bits) - 1)) == 0;
}

PkeyPtr read_rsa_public_key(Octets der) {
    const unsigned char* at = der.data();
    PkeyPtr pkey(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size())));
    if (at != der.data() + der.size()) pkey.reset();
    return pkey;
}

PkeyPtr read_certificate(Octets der) {
    const unsigned char* at = der.data();
    const CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (!certificate || at != der.data() + der.size()) return PkeyPtr();
    return PkeyPtr(X509_get_pubkey(certificate.get()));
}

PkeyPtr read_labelled(Label label, Octets der) {
    switch (label) {
        case Label::public_key:
            return read_public_key(der);
        case Label::rsa_public_key:
            return read_rsa_public_key(der);
        case Label::certificate:
            return read_certificate(der);
    }
    return PkeyPtr();
}

KeyVerdict read_pem(std::string_view pem, PkeyPtr& out) {
    // Anywhere in the text, also behind a public block.
    if (pem.find("PRIVATE KEY-----") != std::string_view::npos) return KeyVerdict::private_key;
    std::string_view body = trimmed(pem);
    for (const LabelRow& row : labels) {
        if (!has_prefix(body, row.begin) || !has_suffix(body, row.end)) continue;
        if (body.size() < row.begin.size() + row.end.size()) return KeyVerdict::unreadable;
        body.remove_prefix(row.begin.size());
        body.remove_suffix(row.end.size());
        if (body.size() > 2 * max_der_size) return KeyVerdict::too_large;
        Der der;
        if (!read_base64(body, der)) return KeyVerdict::unreadable;
        out = read_labelled(row.label, {der.data.data(), der.size});
        return out ? KeyVerdict::ok : KeyVerdict::unreadable;
    }
    return KeyVerdict::unreadable;
}

}  // namespace

KeyVerdict import_pem(std::string_view kid, std::string_view alg, std::string_view pem,
                      ImportedKey& out) {
    const ErrorMark mark;
    wipe(out);
    const KeyVerdict kid_verdict = store_kid(kid, out);
    if (kid_verdict != KeyVerdict::ok) return kid_verdict;
    PkeyPtr pkey;
    const KeyVerdict read_verdict = read_pem(pem, pkey);
    if (read_verdict != KeyVerdict::ok) return read_verdict;
    KeyType type{};
    if (!read_key_type(pkey.get(), type)) return KeyVerdict::unsupported;
    const Algorithm* const algorithm = find_algorithm(alg, type);
    if (algorithm == nullptr)
        return is_known_algorithm(alg) ? KeyVerdict::wrong_type : KeyVerdict::unsupported;
    return store_public_key(pkey.get(), *algorithm, out);
}

}  // namespace tg::jose
