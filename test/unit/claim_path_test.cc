// A name with dots is one name while a member of that name exists.
#include "jose/claim_path.h"

#include <gtest/gtest.h>

namespace tg::jose {
namespace {

constexpr std::string_view payload = R"({
    "tenant_id": "plain",
    "https://example.com/tenant": "namespaced",
    "app_metadata": {"org": {"id": "nested"}, "org.id": "longer"},
    "a": {"b": {"c": "deep"}},
    "a.b": {"d": "other"},
    "x": {"y": "within"}, "x.y": "literal",
    "list": [{"id": "no"}], "text": "no"
})";

TEST(ClaimPath, TheLongestNameWins) {
    constexpr struct {
        std::string_view path, expected;  // "": not there
    } cases[] = {
        {"tenant_id", "plain"},
        {"https://example.com/tenant", "namespaced"},
        {"app_metadata.org.id", "longer"},
        {"a.b.c", "deep"},
        {"a.b.d", "other"},
        {"x.y", "literal"},
        {".", ""},
        {"tenant_i", ""},
        {"tenant_id.", ""},
        {".tenant_id", ""},
        {"app_metadata.org.id.more", ""},
        {"list.id", ""},
        {"list.0.id", ""},
        {"text.id", ""},
        {"a..b", ""},
        {"", ""},
    };
    JsonValue object;
    ASSERT_EQ(read_json(payload, object), JsonVerdict::ok);
    for (const auto& [path, expected] : cases) {
        JsonValue found{};
        EXPECT_EQ(find_claim(object, path, found), !expected.empty()) << path;
        if (!expected.empty()) {
            EXPECT_TRUE(is_string(found, expected)) << path;
        }
    }
}

}  // namespace
}  // namespace tg::jose
