#include "jose/base64url.h"

#include <array>
#include <cstdint>

namespace tg::jose {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t not_a_digit = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> values{};
    for (auto& value : values) value = not_a_digit;
    for (std::size_t i = 0; i < alphabet.size(); i++)
        values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return values;
}

constexpr std::array<std::uint8_t, 256> values = make_values();

std::uint32_t value_of(char digit) {
    return values[static_cast<std::uint8_t>(digit)];
}

}  // namespace

bool read_base64url(std::string_view encoded, std::span<char> room, std::size_t& size) {
    size = 0;
    const std::size_t tail = encoded.size() % 4;
    if (tail == 1) return false;
    const std::size_t whole = encoded.size() / 4;
    if (room.size() < whole * 3 + (tail == 0 ? 0 : tail - 1)) return false;

    const char* in = encoded.data();
    char* out = room.data();
    std::uint32_t seen = 0;  // a value that is no digit sets the high bits
    for (std::size_t i = 0; i < whole; i++, in += 4, out += 3) {
        const std::uint32_t a = value_of(in[0]), b = value_of(in[1]), c = value_of(in[2]),
                            d = value_of(in[3]);
        seen |= a | b | c | d;
        const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        out[0] = static_cast<char>(bits >> 16 & 0xff);
        out[1] = static_cast<char>(bits >> 8 & 0xff);
        out[2] = static_cast<char>(bits & 0xff);
    }
    std::uint32_t left_over = 0;
    if (tail != 0) {
        const std::uint32_t a = value_of(in[0]), b = value_of(in[1]),
                            c = tail == 3 ? value_of(in[2]) : 0;
        seen |= a | b | c;
        const std::uint32_t bits = a << 18 | b << 12 | c << 6;
        *out++ = static_cast<char>(bits >> 16 & 0xff);
        if (tail == 3) *out++ = static_cast<char>(bits >> 8 & 0xff);
        left_over = tail == 3 ? bits & 0xff : bits & 0xffff;
    }
    if (seen > 63) return false;
    // Left-over bits must be zero, or two spellings of one signature would both verify.
    if (left_over != 0) return false;
    size = static_cast<std::size_t>(out - room.data());
    return true;
}

bool write_base64url(std::string_view decoded, std::span<char> room, std::size_t& size) {
    size = 0;
    if (room.size() < base64url_encoded_size(decoded.size())) return false;
    std::uint32_t held = 0;
    unsigned held_bits = 0;
    for (const char byte : decoded) {
        held = held << 8 | static_cast<std::uint8_t>(byte);
        held_bits += 8;
        while (held_bits >= 6) {
            held_bits -= 6;
            room[size++] = alphabet[held >> held_bits & 63];
        }
    }
    if (held_bits != 0) room[size++] = alphabet[held << (6 - held_bits) & 63];
    return true;
}

}  // namespace tg::jose
