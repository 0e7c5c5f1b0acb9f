#include "jose/ecdsa_der.h"

#include <cstring>

namespace tg::jose {
namespace {

Octets without_leading_zeros(Octets number) {
    while (!number.empty() && number.front() == 0) number = number.subspan(1);
    return number;
}

// Numbers of equal length, big-endian; a signature is public, so memcmp may be quick.
bool is_in_range(Octets number, Octets order) {
    return !without_leading_zeros(number).empty() &&
           std::memcmp(number.data(), order.data(), order.size()) < 0;
}

// A DER INTEGER is signed: a leading bit that is set needs a zero byte before it.
std::uint8_t* write_integer(std::uint8_t* at, Octets digits) {
    const bool pad = (digits.front() & 0x80) != 0;
    *at++ = 0x02;
    *at++ = static_cast<std::uint8_t>(digits.size() + (pad ? 1 : 0));
    if (pad) *at++ = 0;
    std::memcpy(at, digits.data(), digits.size());
    return at + digits.size();
}

}  // namespace

bool write_ecdsa_der(Octets signature, Octets order,
                     std::array<std::uint8_t, max_ecdsa_der_size>& out, std::size_t& size) {
    if (order.empty() || order.size() > 66 || signature.size() != 2 * order.size()) return false;
    Octets r = signature.first(order.size());
    Octets s = signature.subspan(order.size());
    if (!is_in_range(r, order) || !is_in_range(s, order)) return false;
    r = without_leading_zeros(r);
    s = without_leading_zeros(s);

    std::array<std::uint8_t, max_ecdsa_der_size> integers;
    std::uint8_t* const end = write_integer(write_integer(integers.data(), r), s);
    const auto content = static_cast<std::size_t>(end - integers.data());
    std::uint8_t* at = out.data();
    *at++ = 0x30;
    if (content >= 0x80) *at++ = 0x81;
    *at++ = static_cast<std::uint8_t>(content);
    std::memcpy(at, integers.data(), content);
    size = static_cast<std::size_t>(at - out.data()) + content;
    return true;
}

}  // namespace tg::jose
