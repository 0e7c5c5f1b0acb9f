// Three ways in: the bytes as a token; the bytes as header and payload of a token that is really
// signed, so that the claims are reached; and the same with one byte of the signature changed,
// which must never be accepted.
#include <cstring>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/bytes.h"
#include "jose/base64url.h"
#include "jose/token.h"
#include "require.h"

using namespace tg;

namespace {

constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view audience[] = {"db"};

std::string encode(std::string_view bytes) {
    std::string out(jose::base64url_encoded_size(bytes.size()), '\0');
    std::size_t size = 0;
    REQUIRE(jose::write_base64url(bytes, out, size));
    return out;
}

std::string sign(std::string_view text) {
    std::string out(32, '\0');
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(out.data()), &size);
    return out;
}

bool is_inside(std::string_view view, const std::vector<char>& scratch) {
    return view.empty() || (view.data() >= scratch.data() &&
                            view.data() + view.size() <= scratch.data() + scratch.size());
}

Verdict verify(const std::string& jwt) {
    static const jose::VerificationKey key = [] {
        jose::VerificationKey out{};
        REQUIRE(jose::load_key("HS256", secret, out) == jose::KeyVerdict::ok);
        return out;
    }();
    static const jose::IssuerRules rules[] = {{.issuer = "joe",
                                               .audience = audience,
                                               .tenant_claim = "a.b",
                                               .attributes_claim = "x",
                                               .leeway = 5,
                                               .max_age = 60,
                                               .token_type = {}}};
    static const jose::RingKey ring[] = {{"k1", &jose::default_rules, false, key},
                                         {"k2", &rules[0], false, key},
                                         {"k3", &jose::default_rules, true, key}};
    std::vector<char> scratch(jose::scratch_size(jwt.size()));
    jose::Token out;
    const Verdict verdict = jose::verify_token(jwt,
                                               {.ring = ring,
                                                .issuers = rules,
                                                .now_us = 1'717'100'600'000'000,
                                                .require_exp = false,
                                                .max_size = 16384},
                                               scratch, out);
    REQUIRE(verdict != Verdict::internal);
    for (const std::string_view view : {out.header, out.payload, out.subject, out.tenant, out.jti})
        REQUIRE(is_inside(view, scratch));
    if (verdict == Verdict::ok) {
        REQUIRE(!out.tenant.empty() && out.tenant.size() <= 255);
        REQUIRE(out.algorithm != nullptr && out.rules != nullptr && !out.payload.empty());
        REQUIRE(out.kid != "k3");
    }
    return verdict;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The files of the corpus end in a line break; a token never does.
    if (size != 0 && data[size - 1] == '\n') size--;
    const std::string input(as_text({data, size}));
    verify(input);

    const std::size_t split = input.find('\n');
    const bool has_header = split != std::string::npos;
    const std::string header = has_header ? input.substr(0, split) : R"({"alg":"HS256"})";
    const std::string payload = has_header ? input.substr(split + 1) : input;
    const std::string text = encode(header) + "." + encode(payload);
    std::string signature = sign(text);
    verify(text + "." + encode(signature));
    signature[size % signature.size()] = static_cast<char>(signature[size % signature.size()] ^ 1);
    REQUIRE(verify(text + "." + encode(signature)) != Verdict::ok);
    return 0;
}
