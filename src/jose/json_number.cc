#include "jose/json_number.h"

#include <cstddef>
#include <limits>

#include "jose/json.h"

namespace tg::jose {
namespace {

constexpr std::int64_t max_date = std::int64_t{1}
                                  << 53;  // the last second a JSON reader with doubles sees exactly
constexpr std::int64_t second = 1'000'000;

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t take_digits(const char*& at, const char* end) {
    const char* const start = at;
    while (at != end && is_digit(*at)) at++;
    return static_cast<std::size_t>(at - start);
}

// The digits of an exponent; false above the bound.
bool take_exponent_digits(const char*& at, const char* end, int& out) {
    const char* const start = at;
    out = 0;
    for (; at != end && is_digit(*at); at++) {
        out = out * 10 + (*at - '0');
        if (out > max_number_exponent) return false;
    }
    const auto digits = static_cast<std::size_t>(at - start);
    return digits >= 1 && digits <= max_number_digits;
}

// A checked number, taken apart: its digits with the point left out, and where the point stands.
struct Decimal {
    std::string_view whole, fraction;
    int exponent;
    bool negative;
};

Decimal read_decimal(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    Decimal out{};
    out.negative = *at == '-';
    if (out.negative) at++;
    const char* start = at;
    out.whole = {start, take_digits(at, end)};
    if (at != end && *at == '.') {
        start = ++at;
        out.fraction = {start, take_digits(at, end)};
    }
    if (at == end) return out;
    at++;  // e or E
    const bool negative_exponent = *at == '-';
    if (*at == '-' || *at == '+') at++;
    take_exponent_digits(at, end, out.exponent);
    if (negative_exponent) out.exponent = -out.exponent;
    return out;
}

}  // namespace

bool take_number(const char*& at, const char* end) {
    if (at != end && *at == '-') at++;
    const bool leading_zero = at != end && *at == '0';
    std::size_t digits = take_digits(at, end);
    if (digits == 0 || (leading_zero && digits > 1)) return false;
    if (at != end && *at == '.') {
        at++;
        const std::size_t fraction = take_digits(at, end);
        if (fraction == 0) return false;
        digits += fraction;
    }
    if (digits > max_number_digits) return false;
    if (at == end || (*at != 'e' && *at != 'E')) return true;
    at++;
    if (at != end && (*at == '+' || *at == '-')) at++;
    int exponent = 0;
    return take_exponent_digits(at, end, exponent);
}

bool read_numeric_date(const JsonValue& value, std::int64_t& out_us) {
    if (value.kind != JsonKind::number) return false;
    const Decimal number = read_decimal(value.text);
    if (number.negative) return false;

    // Digit by digit, as doubles would round: the integral part first, then six decimals. `place`
    // is how many digits stand before the point once the exponent has moved it.
    const int place = static_cast<int>(number.whole.size()) + number.exponent;
    const int given = static_cast<int>(number.whole.size() + number.fraction.size());
    const auto digit_at = [&](int index) -> std::int64_t {
        if (index < 0 || index >= given) return 0;
        const auto i = static_cast<std::size_t>(index);
        return (i < number.whole.size() ? number.whole[i]
                                        : number.fraction[i - number.whole.size()]) -
               '0';
    };
    std::int64_t seconds = 0;
    for (int i = 0; i < place; i++) {
        seconds = seconds * 10 + digit_at(i);
        if (seconds > max_date) return false;
    }
    std::int64_t micros = 0;
    for (int i = place; i < place + 6; i++) micros = micros * 10 + digit_at(i);
    if (seconds == max_date) {  // not a hair above it
        for (int i = place < 0 ? 0 : place; i < given; i++)
            if (digit_at(i) != 0) return false;
    }
    constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max();
    out_us = seconds > (limit - micros) / second ? limit : seconds * second + micros;
    return true;
}

bool is_integer(const JsonValue& value) {
    if (value.kind != JsonKind::number || value.text == "-0") return false;
    const bool negative = value.text.front() == '-';
    constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t magnitude = 0;
    for (const char c :
         std::string_view(value.text.data() + negative, value.text.size() - negative)) {
        if (!is_digit(c)) return false;
        if (magnitude > limit / 10) return false;
        magnitude = magnitude * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return magnitude <= limit + (negative ? 1u : 0u);
}

}  // namespace tg::jose
