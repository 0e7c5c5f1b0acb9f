// One text, one spelling. A decoder that forgives makes two tokens of one.
#include "jose/base64url.h"

#include <gtest/gtest.h>

#include "mint.h"

namespace tg::jose {
namespace {

bool reads(std::string_view text, std::string* out = nullptr) {
    std::string room(base64url_decoded_size(text.size()), '\0');
    std::size_t size = 0;
    const bool good = read_base64url(text, room, size);
    if (out != nullptr) *out = room.substr(0, size);
    return good;
}

TEST(Base64Url, DecodesWhatRfc4648Lists) {
    constexpr struct {
        std::string_view text, bytes;
    } cases[] = {
        {"", ""},           {"Zg", "f"},          {"Zm8", "fo"},          {"Zm9v", "foo"},
        {"Zm9vYg", "foob"}, {"Zm9vYmE", "fooba"}, {"Zm9vYmFy", "foobar"}, {"-_-_", "\xfb\xff\xbf"}};
    for (const auto& [text, bytes] : cases) {
        std::string out;
        EXPECT_TRUE(reads(text, &out)) << text;
        EXPECT_EQ(out, bytes);
        std::string room(base64url_encoded_size(bytes.size()), '\0');
        std::size_t size = 0;
        EXPECT_TRUE(write_base64url(bytes, room, size));
        EXPECT_EQ(room, text);
        EXPECT_EQ(size, text.size());
    }
}

TEST(Base64Url, RefusesEveryOtherSpelling) {
    constexpr struct {
        const char* why;
        std::string_view text;
    } cases[] = {
        {"padding", "Zg=="},
        {"padding to three", "Zm8="},
        {"the other alphabet's plus", "+_-_"},
        {"the other alphabet's slash", "-/-_"},
        {"a space inside", "Zm 9v"},
        {"a line break at the end", "Zm9v\n"},
        {"NUL", std::string_view("Zm9\0", 4)},
        {"a byte above ASCII", "Zm9\xff"},
        {"a single digit", "Z"},
        {"five digits", "Zm9vY"},
        {"left-over bits after one byte", "Zh"},
        {"the lowest left-over bit", "ZB"},
        {"left-over bits after two bytes", "Zm9"},
        {"a dot", "Zm.v"},
        {"percent encoding", "Zm9%"},
    };
    for (const auto& [why, text] : cases) EXPECT_FALSE(reads(text)) << why;
}

TEST(Base64Url, EachTextOfTwoDigitsIsTheOnlyOneOfItsByte) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int accepted = 0;
    for (const char a : digits)
        for (const char b : digits) accepted += reads(std::string{a, b});
    EXPECT_EQ(accepted, 256);
}

TEST(Base64Url, NeverWritesBehindTheRoom) {
    std::string room(2, 'x');
    std::size_t size = 0;
    EXPECT_FALSE(read_base64url("Zm9v", room, size));
    EXPECT_TRUE(read_base64url("Zm8", room, size));
    std::string short_room(3, 'x');
    EXPECT_FALSE(write_base64url("foo", short_room, size));
}

}  // namespace
}  // namespace tg::jose
