// A JOSE signature is r and s side by side (RFC 7518 section 3.4); OpenSSL wants DER. On the way
// both are checked to be from 1 to n-1: with zeros, careless verifiers accepted every message
// (CVE-2022-21449).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"

namespace tg::jose {

inline constexpr std::size_t max_ecdsa_der_size = 3 + 2 * (2 + 67);

// `order` is the curve's n, big-endian. False if the signature is not twice as long, or r or s out
// of range.
bool write_ecdsa_der(Octets signature, Octets order,
                     std::array<std::uint8_t, max_ecdsa_der_size>& out, std::size_t& size);

}  // namespace tg::jose
