// Digests, fetched from OpenSSL once per process. EVP_sha256() and SHA256() look the algorithm up
// on every call, which costs more than hashing a token does.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include <openssl/types.h>

namespace tg::jose {

inline constexpr std::size_t max_digest_size = 64;

// The digest of this OpenSSL name ("SHA256", "SHA384", "SHA512"); nullptr if OpenSSL has it not.
const EVP_MD* fetch_digest(std::string_view name);

// SHA-256 over the parts as if they were one text. False only if OpenSSL fails.
bool sha256(std::span<const std::string_view> parts, std::array<std::uint8_t, 32>& out);

}  // namespace tg::jose
