// Whatever two readers could understand differently is refused; whatever any issuer sends is read.
#include "jose/json.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace tg::jose {
namespace {

JsonVerdict verdict_of(std::string_view text) {
    // On the heap, so that reading one byte too far is seen.
    const std::string copy(text);
    JsonValue value;
    return read_json(copy, value);
}

std::string repeat(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; i++) out += text;
    return out;
}

TEST(Json, ReadsWhatTheGrammarAllows) {
    for (const std::string_view text :
         {R"({})",
          R"([])",
          R"(null)",
          R"(true)",
          R"(false)",
          R"(0)",
          R"(-0)",
          R"("")",
          " \t\r\n{ \"a\" : [ 1 , 2.5e-3 , { } ] , \"b\" : null } \n",
          R"(["\"\\\/\b\f\n\r\t\u00e9"])",
          R"(["\ud83d\ude00"])",
          "[\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\"]",
          "[\"\x7f\"]",
          R"({"a":{"a":1},"b":{"a":1}})",
          R"([{"a":1},{"a":1}])",
          R"({"a":1,"A":2})",
          R"({"":1})",
          "1e300",
          "1E-300",
          "1e+0300"})
        EXPECT_EQ(verdict_of(text), JsonVerdict::ok) << text;
}

// Strings are read eight bytes at a time where they can be.
TEST(Json, JudgesEveryByteWhereverItStands) {
    for (int byte = 0; byte < 0x100; byte++) {
        const bool is_plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        for (std::size_t size = 1; size < 26; size++)
            for (std::size_t at = 0; at < size; at++) {
                std::string inside(size, ' ');
                inside[at] = static_cast<char>(byte);
                EXPECT_EQ(verdict_of('"' + inside + '"'), is_plain ? JsonVerdict::ok : JsonVerdict::malformed)
                    << byte << " at " << at << " of " << size;
                // Behind another that ends the plain ones.
                if (at == 0 || is_plain) continue;
                inside[at - 1] = '\x1f';
                EXPECT_EQ(verdict_of('"' + inside + '"'), JsonVerdict::malformed);
            }
    }
}

TEST(Json, RefusesWhatReadersDisagreeAbout) {
    const struct {
        const char* why;
        std::string text;
        JsonVerdict verdict;
    } cases[] = {
        {"nothing", "", JsonVerdict::malformed},
        {"white space alone", "  ", JsonVerdict::malformed},
        {"two documents", "{}{}", JsonVerdict::malformed},
        {"NUL behind the document", std::string("{}\0", 3), JsonVerdict::malformed},
        {"a byte order mark", "\xef\xbb\xbf{}", JsonVerdict::malformed},
        {"a comment", "{/**/}", JsonVerdict::malformed},
        {"a trailing comma", R"({"a":1,})", JsonVerdict::malformed},
        {"a trailing comma in an array", "[1,]", JsonVerdict::malformed},
        {"a leading comma", "[,1]", JsonVerdict::malformed},
        {"single quotes", "{'a':1}", JsonVerdict::malformed},
        {"a bare name", "{a:1}", JsonVerdict::malformed},
        {"a missing colon", R"({"a" 1})", JsonVerdict::malformed},
        {"an open object", R"({"a":1)", JsonVerdict::malformed},
        {"crossed brackets", R"({"a":[1})", JsonVerdict::malformed},
        {"an open string", R"(["a)", JsonVerdict::malformed},
        {"a string that ends in a backslash", "[\"a\\", JsonVerdict::malformed},
        {"a form feed between values", "[\f1]", JsonVerdict::malformed},
        {"a control character in a string", "[\"\x1f\"]", JsonVerdict::malformed},
        {"a raw line break in a string", "[\"\n\"]", JsonVerdict::malformed},
        {"an unknown escape", R"(["\x41"])", JsonVerdict::malformed},
        {"an escaped NUL byte", std::string("[\"\\\0\"]", 6), JsonVerdict::malformed},
        {"U+0000, where C readers stop", R"({"tenant_id":"a\u0000b"})", JsonVerdict::malformed},
        {"U+0000 in a name", R"({"tenant_id\u0000":"a"})", JsonVerdict::malformed},
        {"a lone high surrogate", R"(["\ud83d"])", JsonVerdict::malformed},
        {"a lone low surrogate", R"(["\ude00"])", JsonVerdict::malformed},
        {"two high surrogates", R"(["\ud83d\ud83d"])", JsonVerdict::malformed},
        {"an escape that is cut off", R"(["\u12)", JsonVerdict::malformed},
        {"a surrogate pair that is cut off", R"(["\ud83d\ude0)", JsonVerdict::malformed},
        {"bad hexadecimal", R"(["\u12g4"])", JsonVerdict::malformed},
        {"an overlong slash", "[\"\xc0\xaf\"]", JsonVerdict::malformed},
        {"an overlong NUL", "[\"\xc0\x80\"]", JsonVerdict::malformed},
        {"overlong in three bytes", "[\"\xe0\x80\xaf\"]", JsonVerdict::malformed},
        {"overlong in four bytes", "[\"\xf0\x80\x80\xaf\"]", JsonVerdict::malformed},
        {"a surrogate in UTF-8", "[\"\xed\xa0\x80\"]", JsonVerdict::malformed},
        {"above U+10FFFF", "[\"\xf4\x90\x80\x80\"]", JsonVerdict::malformed},
        {"a lone continuation byte", "[\"\x80\"]", JsonVerdict::malformed},
        {"a sequence cut off by the quote", "[\"\xc3\"]", JsonVerdict::malformed},
        {"a sequence cut off by the end", "[\"\xf0\x9f\x98", JsonVerdict::malformed},
        {"Latin-1", "[\"caf\xe9\"]", JsonVerdict::malformed},
        {"a leading zero", "[01]", JsonVerdict::malformed},
        {"a leading plus", "[+1]", JsonVerdict::malformed},
        {"a bare minus", "[-]", JsonVerdict::malformed},
        {"a bare point", "[1.]", JsonVerdict::malformed},
        {"no whole part", "[.5]", JsonVerdict::malformed},
        {"an empty exponent", "[1e]", JsonVerdict::malformed},
        {"NaN", "[NaN]", JsonVerdict::malformed},
        {"Infinity", "[-Infinity]", JsonVerdict::malformed},
        {"hexadecimal", "[0x1]", JsonVerdict::malformed},
        {"a wrong word", "[nul]", JsonVerdict::malformed},
        {"a word in capitals", "[TRUE]", JsonVerdict::malformed},
        {"a number that fills a disk", "[1e301]", JsonVerdict::malformed},
        {"its small brother", "[1e-301]", JsonVerdict::malformed},
        {"an exponent that overflows", "[1e99999999999999999999]", JsonVerdict::malformed},
        {"65 digits", "[" + repeat("1", 65) + "]", JsonVerdict::malformed},
        {"a name twice", R"({"tenant_id":"a","tenant_id":"b"})", JsonVerdict::duplicate_name},
        {"a name twice, once escaped", R"({"tenant_id":"a","tenant\u005fid":"b"})",
         JsonVerdict::duplicate_name},
        {"a name twice, other escapes", R"({"/":1,"\/":2})", JsonVerdict::duplicate_name},
        {"a name twice, far inside", R"({"a":[{"b":1,"c":{},"b":2}]})",
         JsonVerdict::duplicate_name},
        {"the empty name twice", R"({"":1,"":2})", JsonVerdict::duplicate_name},
        {"U+1F600 as itself and as surrogates", "{\"\xf0\x9f\x98\x80\":1,\"\\uD83D\\uDE00\":2}",
         JsonVerdict::duplicate_name},
        {"seventeen levels", repeat("[", 17) + repeat("]", 17), JsonVerdict::too_complex},
        {"a million levels", repeat("[", 1'000'000), JsonVerdict::too_complex},
        {"objects seventeen deep", repeat(R"({"a":)", 17) + "1" + repeat("}", 17),
         JsonVerdict::too_complex},
    };
    for (const auto& [why, text, verdict] : cases) EXPECT_EQ(verdict_of(text), verdict) << why;
    EXPECT_EQ(verdict_of(repeat("[", 16) + repeat("]", 16)), JsonVerdict::ok);
    EXPECT_EQ(verdict_of("[" + repeat("1", 64) + "]"), JsonVerdict::ok);
}

std::string object_of(int members) {
    std::string out = "{";
    for (int i = 0; i < members; i++) out += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
    return out + "}";
}

TEST(Json, ManyMembersAreBoundedInOneObjectAndInAll) {
    EXPECT_EQ(verdict_of(object_of(256)), JsonVerdict::ok);
    EXPECT_EQ(verdict_of(object_of(257)), JsonVerdict::too_complex);
    const std::string full = object_of(256);
    EXPECT_EQ(verdict_of("[" + full + "," + full + "," + full + "," + full + "]"), JsonVerdict::ok);
    EXPECT_EQ(verdict_of("[" + full + "," + full + "," + full + "," + full + ",{\"a\":1}]"),
              JsonVerdict::too_complex);
}

TEST(Json, MembersAreFoundByWhatTheirNamesMean) {
    JsonValue object, found;
    const std::string text =
        R"( { "a" : {"x": "}\"]"} , "t\u0065nant" : "\u0061cme" , "n":[1, [2,"]"] ,3] } )";
    ASSERT_EQ(read_json(text, object), JsonVerdict::ok);
    ASSERT_TRUE(find_member(object, "tenant", found));
    EXPECT_TRUE(is_string(found, "acme"));
    EXPECT_FALSE(is_string(found, "acm"));
    EXPECT_FALSE(is_string(found, "acmee"));
    EXPECT_FALSE(find_member(object, "tenan", found));
    EXPECT_FALSE(find_member(object, "x", found)) << "a member of a member";
    ASSERT_TRUE(find_member(object, "n", found));
    JsonCursor rest = elements_of(found);
    JsonValue element;
    std::vector<std::string> elements;
    while (take_element(rest, element)) elements.emplace_back(element.text);
    EXPECT_EQ(elements, (std::vector<std::string>{"1", R"([2,"]"])", "3"}));
    EXPECT_FALSE(find_member(found, "a", object)) << "an array has no members";
}

TEST(Json, StringsAreUnescapedWithinTheRoom) {
    const std::string text = R"("\u00e9\n\ud83d\ude00\"\/")";
    JsonValue value;
    ASSERT_EQ(read_json(text, value), JsonVerdict::ok);
    std::string memory(text.size(), '\0');
    std::span<char> room(memory);
    std::string_view out;
    ASSERT_TRUE(read_string(value, room, out));
    EXPECT_EQ(out, "\xc3\xa9\n\xf0\x9f\x98\x80\"/");
    EXPECT_EQ(room.size(), memory.size() - out.size());
    std::span<char> too_little(memory.data(), out.size() - 1);
    EXPECT_FALSE(read_string(value, too_little, out));
}

TEST(Json, DatesAreExactAndBounded) {
    constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t refused = -1;
    constexpr struct {
        std::string_view text;
        std::int64_t us;
    } cases[] = {
        {"0", 0},
        {"0.0", 0},
        {"1717103600", 1'717'103'600'000'000},
        {"1717103600.5", 1'717'103'600'500'000},
        {"1717103600.9999999", 1'717'103'600'999'999},
        {"1e10", 10'000'000'000'000'000},
        {"1.5E3", 1'500'000'000},
        {"1500e-3", 1'500'000},
        {"1e-6", 1},
        {"1e-7", 0},
        {"1e-300", 0},
        {"0e300", 0},
        {"0.000001e6", 1'000'000},
        {"9007199254740992", never},
        {"9007199254740992.0", never},
        {"9007199254740993", refused},
        {"9007199254740992.000000001", refused},
        {"9223372036854", 9'223'372'036'854'000'000},
        {"9223372036855", never},
        {"1e16", refused},
        {"1e300", refused},
        {"9223372036854775807", refused},
        {"18446744073709551617", refused},
        {"-1", refused},
        {"-0", refused},
        {"-0.5", refused},
        {"\"1717103600\"", refused},
        {"null", refused},
        {"true", refused},
        {"[1717103600]", refused},
    };
    for (const auto& [text, us] : cases) {
        JsonValue value;
        ASSERT_EQ(read_json(text, value), JsonVerdict::ok) << text;
        std::int64_t out = 0;
        EXPECT_EQ(read_numeric_date(value, out), us != refused) << text;
        if (us != refused) {
            EXPECT_EQ(out, us) << text;
        }
    }
}

TEST(Json, AnIntegerIsWrittenAsOneAndFits) {
    constexpr struct {
        std::string_view text;
        bool is_integer;
    } cases[] = {
        {"0", true},
        {"42", true},
        {"-42", true},
        {"9223372036854775807", true},
        {"-9223372036854775808", true},
        {"9223372036854775808", false},
        {"-9223372036854775809", false},
        {"99999999999999999999999", false},
        {"-0", false},
        {"1.0", false},
        {"1e3", false},
        {"\"42\"", false},
        {"true", false},
        {"null", false},
    };
    for (const auto& [text, expected] : cases) {
        JsonValue value;
        ASSERT_EQ(read_json(text, value), JsonVerdict::ok) << text;
        EXPECT_EQ(is_integer(value), expected) << text;
    }
}

}  // namespace
}  // namespace tg::jose
