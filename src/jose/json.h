// A strict JSON reader (RFC 8259) for text that decides who a tenant is. Parsers disagree on
// duplicate names, bad UTF-8, NUL and odd numbers, and two readers that disagree see two tenants in
// one token: what is ambiguous is refused, what is accepted is accepted by PostgreSQL's jsonb with
// the same meaning. Nothing is allocated: read_json() checks the whole text once, values are views
// into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tg::jose {

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

enum class JsonVerdict : std::uint8_t { ok, malformed, duplicate_name, too_complex };

// `text` is the value as written. For a string it is what stands between the quotes, escapes and
// all.
struct JsonValue {
    JsonKind kind;
    std::string_view text;
};

struct JsonMember {
    JsonValue name;  // always a string
    JsonValue value;
};

// Bounds. They are far above any real token and keep the work linear and the stack small.
inline constexpr std::ptrdiff_t max_json_size = 1 << 24;  // bytes
inline constexpr std::size_t max_json_depth = 16;
inline constexpr std::size_t max_object_members = 256;
inline constexpr std::size_t max_document_members = 1024;
inline constexpr std::size_t max_number_digits = 64;
inline constexpr int max_number_exponent = 300;

// Reads the whole text as one value; white space may surround it. Only a value that was read with
// JsonVerdict::ok, or a part of one, may be given to the functions below.
JsonVerdict read_json(std::string_view text, JsonValue& out);

// Walk a checked object or array: `rest` starts as members_of(object) / elements_of(array).
struct JsonCursor {
    const char* at;
    const char* end;
};
JsonCursor members_of(const JsonValue& object);
JsonCursor elements_of(const JsonValue& array);
bool take_member(JsonCursor& rest, JsonMember& out);
bool take_element(JsonCursor& rest, JsonValue& out);

// The member of this name; false if there is none or the value is not an object.
bool find_member(const JsonValue& object, std::string_view name, JsonValue& out);

// The same where neither the kind nor the first character has ruled it out.
bool is_string_in_full(const JsonValue& value, std::string_view expected);

// Is this string, unescaped, exactly these bytes? Asked of every name for each of many names, most of which differ in their
// first character.
inline bool is_string(const JsonValue& value, std::string_view expected) {
    if (value.kind != JsonKind::string || value.text.size() < expected.size()) return false;
    if (!expected.empty() && value.text[0] != expected[0] && value.text[0] != '\\') return false;
    return is_string_in_full(value, expected);
}

// The string unescaped. Without escapes the result is a view into the JSON text itself; else it is
// written to the front of `room`, which shrinks by it. Room as large as the JSON text always
// suffices.
bool read_string(const JsonValue& value, std::span<char>& room, std::string_view& out);

// A NumericDate (RFC 7519 section 2) in microseconds, rounded down: a number from 0 to 2^53
// seconds, with a fraction or an exponent if it likes. What does not fit into 64 bits becomes
// INT64_MAX. False for others.
bool read_numeric_date(const JsonValue& value, std::int64_t& out_us);

// A number written as an integer without fraction, exponent or "-0" that fits into 64 bits.
bool is_integer(const JsonValue& value);

}  // namespace tg::jose
