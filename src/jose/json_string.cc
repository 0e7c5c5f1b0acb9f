#include "jose/json_string.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "jose/json.h"

namespace tg::jose {
namespace {

// Bytes of a string that stand for themselves and need no second look.
constexpr std::array<bool, 256> make_plain() {
    std::array<bool, 256> plain{};
    for (std::size_t byte = 0x20; byte < 0x80; byte++) plain[byte] = byte != '"' && byte != '\\';
    return plain;
}

constexpr std::array<bool, 256> is_plain = make_plain();

// Eight bytes at a time: whether all of them are plain. Each term has the high bit of the bytes it is about; where one borrows
// from the next, that one was found already.
bool are_plain(const char* at) {
    constexpr std::uint64_t ones = 0x0101010101010101, high_bits = 0x80 * ones;
    std::uint64_t bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    const std::uint64_t quotes = bytes ^ ('"' * ones), backslashes = bytes ^ ('\\' * ones);
    const std::uint64_t controls = (bytes - 0x20 * ones) & ~bytes;
    return ((bytes | controls | ((quotes - ones) & ~quotes) | ((backslashes - ones) & ~backslashes)) & high_bits) == 0;
}

constexpr int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

// The four digits behind \u. The caller knows that there are four characters.
bool read_hex4(const char* at, std::uint32_t& out) {
    out = 0;
    for (int i = 0; i < 4; i++) {
        const int value = hex_value(at[i]);
        if (value < 0) return false;
        out = out << 4 | static_cast<std::uint32_t>(value);
    }
    return true;
}

constexpr bool is_high_surrogate(std::uint32_t unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}
constexpr bool is_low_surrogate(std::uint32_t unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

// `at` stands behind the backslash.
bool take_checked_escape(const char*& at, const char* end) {
    if (at == end) return false;
    const char kind = *at++;
    if (kind != 'u') return kind != '\0' && std::strchr("\"\\/bfnrt", kind) != nullptr;

    std::uint32_t unit = 0;
    if (end - at < 4 || !read_hex4(at, unit)) return false;
    at += 4;
    // PostgreSQL's text cannot hold U+0000, and C readers would see the string end here.
    if (unit == 0 || is_low_surrogate(unit)) return false;
    if (!is_high_surrogate(unit)) return true;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u' || !read_hex4(at + 2, unit)) return false;
    at += 6;
    return is_low_surrogate(unit);
}

// A sequence of two to four bytes, per the table in RFC 3629 section 4.
bool take_utf8_sequence(const char*& at, const char* end) {
    const auto byte = [at](int i) { return static_cast<std::uint8_t>(at[i]); };
    const std::uint8_t lead = byte(0);
    const int size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || end - at < size) return false;
    for (int i = 1; i < size; i++)
        if ((byte(i) & 0xc0) != 0x80) return false;
    const std::uint8_t second = byte(1);
    if (lead == 0xe0 && second < 0xa0) return false;  // overlong
    if (lead == 0xed && second > 0x9f) return false;  // surrogates
    if (lead == 0xf0 && second < 0x90) return false;  // overlong
    if (lead == 0xf4 && second > 0x8f) return false;  // above U+10FFFF
    at += size;
    return true;
}

std::uint8_t write_utf8(std::uint32_t point, char* out) {
    const auto continuation = [point](unsigned shift) {
        return static_cast<char>(0x80 | (point >> shift & 0x3f));
    };
    if (point < 0x80) {
        out[0] = static_cast<char>(point);
        return 1;
    }
    if (point < 0x800) {
        out[0] = static_cast<char>(0xc0 | point >> 6);
        out[1] = continuation(0);
        return 2;
    }
    if (point < 0x10000) {
        out[0] = static_cast<char>(0xe0 | point >> 12);
        out[1] = continuation(6);
        out[2] = continuation(0);
        return 3;
    }
    out[0] = static_cast<char>(0xf0 | point >> 18);
    out[1] = continuation(12);
    out[2] = continuation(6);
    out[3] = continuation(0);
    return 4;
}

char unescaped_char(char kind) {
    switch (kind) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return kind;  // the quote, the backslash, the slash
    }
}

bool has_escape(std::string_view written) {
    return !written.empty() && std::memchr(written.data(), '\\', written.size()) != nullptr;
}

}  // namespace

bool take_string(const char*& at, const char* end) {
    if (at == end || *at != '"') return false;
    at++;
    for (;;) {
        while (end - at >= 8 && are_plain(at)) at += 8;
        while (at != end && is_plain[static_cast<std::uint8_t>(*at)]) at++;
        if (at == end) return false;
        const auto byte = static_cast<std::uint8_t>(*at);
        if (byte == '"') {
            at++;
            return true;
        }
        if (byte < 0x20) return false;
        if (byte >= 0x80) {
            if (!take_utf8_sequence(at, end)) return false;
            continue;
        }
        at++;
        if (!take_checked_escape(at, end)) return false;
    }
}

bool Unescaper::take(char& out) {
    if (pending_at_ == pending_size_) {
        if (at_ == end_) return false;
        if (*at_ != '\\') {
            out = *at_++;
            return true;
        }
        take_escape();
    }
    out = pending_[pending_at_++];
    return true;
}

// The string was checked, so the escape is whole and a high surrogate has its other half.
void Unescaper::take_escape() {
    const char kind = at_[1];
    at_ += 2;
    pending_at_ = 0;
    if (kind != 'u') {
        pending_[0] = unescaped_char(kind);
        pending_size_ = 1;
        return;
    }
    std::uint32_t point = 0;
    read_hex4(at_, point);
    at_ += 4;
    if (is_high_surrogate(point)) {
        std::uint32_t low = 0;
        read_hex4(at_ + 2, low);
        at_ += 6;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    pending_size_ = write_utf8(point, pending_);
}

bool is_same_string(std::string_view a, std::string_view b) {
    if (!has_escape(a) && !has_escape(b)) return a == b;
    Unescaper left(a), right(b);
    char left_char = 0, right_char = 0;
    for (;;) {
        const bool more = left.take(left_char);
        if (more != right.take(right_char)) return false;
        if (!more) return true;
        if (left_char != right_char) return false;
    }
}

// FNV-1a. An attacker can make names collide, which costs comparisons of names and no more: the
// bounds in json.h keep them few.
std::uint32_t hash_string(std::string_view written) {
    std::uint32_t hash = 2166136261u;
    const auto add = [&hash](char byte) {
        hash = (hash ^ static_cast<std::uint8_t>(byte)) * 16777619u;
    };
    if (!has_escape(written)) {
        for (const char byte : written) add(byte);
        return hash;
    }
    Unescaper bytes(written);
    for (char byte = 0; bytes.take(byte);) add(byte);
    return hash;
}

bool is_string_in_full(const JsonValue& value, std::string_view expected) {
    if (!has_escape(value.text)) return value.text == expected;
    Unescaper bytes(value.text);
    char byte = 0;
    for (const char wanted : expected)
        if (!bytes.take(byte) || byte != wanted) return false;
    return !bytes.take(byte);
}

bool read_string(const JsonValue& value, std::span<char>& room, std::string_view& out) {
    if (value.kind != JsonKind::string) return false;
    if (!has_escape(value.text)) {
        out = value.text;
        return true;
    }
    Unescaper bytes(value.text);
    std::size_t size = 0;
    for (char byte = 0; bytes.take(byte);) {
        if (size == room.size()) return false;
        room[size++] = byte;
    }
    out = {room.data(), size};
    room = room.subspan(size);
    return true;
}

}  // namespace tg::jose
