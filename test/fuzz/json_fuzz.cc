// What we accept, jansson accepts with equal values and no duplicate names. The reverse does not
// hold: jansson knows no bound on names and numbers.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <jansson.h>

#include "core/bytes.h"
#include "jose/claim_path.h"
#include "jose/json.h"
#include "require.h"

using namespace tg;
using jose::JsonKind;
using jose::JsonValue;

namespace {

std::string text_of(const JsonValue& value, std::vector<char>& memory) {
    std::span<char> room(memory);
    std::string_view out;
    REQUIRE(jose::read_string(value, room, out));
    REQUIRE(jose::is_string(value, out));
    REQUIRE(!jose::is_string(value, std::string(out) + "x"));
    return std::string(out);
}

void compare(const JsonValue& ours, const json_t* theirs, std::vector<char>& memory) {
    switch (ours.kind) {
        case JsonKind::null:
            REQUIRE(json_is_null(theirs));
            return;
        case JsonKind::boolean:
            REQUIRE(json_is_boolean(theirs));
            REQUIRE(json_is_true(theirs) == (ours.text == "true"));
            return;
        case JsonKind::number: {
            REQUIRE(json_is_number(theirs));
            const double value = std::strtod(std::string(ours.text).c_str(), nullptr);
            REQUIRE(json_number_value(theirs) == value);
            std::int64_t date_us = 0;
            if (jose::read_numeric_date(ours, date_us)) {
                REQUIRE(!std::signbit(value) && value <= 9007199254740992.0);
                if (value < 4e9)
                    REQUIRE(std::fabs(static_cast<double>(date_us) - value * 1e6) <= 2.0);
            } else {
                REQUIRE(std::signbit(value) || value >= 9007199254740992.0);
            }
            if (jose::is_integer(ours))
                REQUIRE(std::to_string(std::strtoll(std::string(ours.text).c_str(), nullptr, 10)) ==
                        ours.text);
            return;
        }
        case JsonKind::string: {
            const std::string text = text_of(ours, memory);
            REQUIRE(json_is_string(theirs));
            REQUIRE(text == std::string(json_string_value(theirs), json_string_length(theirs)));
            return;
        }
        case JsonKind::array: {
            REQUIRE(json_is_array(theirs));
            std::size_t count = 0;
            jose::JsonCursor rest = jose::elements_of(ours);
            for (JsonValue element; jose::take_element(rest, element); count++)
                compare(element, json_array_get(theirs, count), memory);
            REQUIRE(count == json_array_size(theirs));
            return;
        }
        case JsonKind::object: {
            REQUIRE(json_is_object(theirs));
            std::size_t count = 0;
            jose::JsonCursor rest = jose::members_of(ours);
            for (jose::JsonMember member; jose::take_member(rest, member); count++) {
                const std::string name = text_of(member.name, memory);
                const json_t* const value = json_object_get(theirs, name.c_str());
                REQUIRE(value != nullptr);
                compare(member.value, value, memory);
                JsonValue found;
                REQUIRE(jose::find_member(ours, name, found) &&
                        found.text.data() == member.value.text.data());
                // The whole name wins over every path it could be.
                REQUIRE(name.empty() || (jose::find_claim(ours, name, found) &&
                                         found.text.data() == member.value.text.data()));
            }
            REQUIRE(count == json_object_size(theirs));
            return;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    JsonValue value;
    if (jose::read_json(as_text({data, size}), value) != jose::JsonVerdict::ok) return 0;
    json_error_t error;
    json_t* const root =
        json_loadb(reinterpret_cast<const char*>(data), size,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    REQUIRE(root != nullptr);
    std::vector<char> memory(size);
    compare(value, root, memory);
    JsonValue ignored;
    jose::find_claim(value, as_text({data, size}), ignored);
    jose::find_claim(value, "a.b.c.d", ignored);
    json_decref(root);
    return 0;
}
