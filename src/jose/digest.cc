#include "jose/digest.h"

#include <cstddef>

#include "jose/openssl_ptr.h"

namespace tg::jose {
namespace {

struct Fetched {
    std::string_view name;
    const char* openssl_name;
    const EVP_MD* digest;  // kept for the life of the process
};

Fetched fetched[] = {
    {"SHA256", "SHA256", nullptr}, {"SHA384", "SHA384", nullptr}, {"SHA512", "SHA512", nullptr}};

EVP_MD_CTX* sha256_context = nullptr;

}  // namespace

const EVP_MD* fetch_digest(std::string_view name) {
    for (Fetched& entry : fetched) {
        if (entry.name != name) continue;
        if (entry.digest == nullptr)
            entry.digest = EVP_MD_fetch(nullptr, entry.openssl_name, nullptr);
        return entry.digest;
    }
    return nullptr;
}

bool sha256(std::span<const std::string_view> parts, std::array<std::uint8_t, 32>& out) {
    const ErrorMark mark;
    const EVP_MD* const digest = fetch_digest("SHA256");
    if (digest == nullptr) return false;
    if (sha256_context == nullptr) sha256_context = EVP_MD_CTX_new();
    if (sha256_context == nullptr) return false;
    if (EVP_DigestInit_ex2(sha256_context, digest, nullptr) != 1) return false;
    for (const std::string_view part : parts)
        if (EVP_DigestUpdate(sha256_context, part.data(), part.size()) != 1) return false;
    unsigned size = 0;
    return EVP_DigestFinal_ex(sha256_context, out.data(), &size) == 1 && size == out.size();
}

}  // namespace tg::jose
