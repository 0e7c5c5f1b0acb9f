// A verdict without its own SQLSTATE is one that an application cannot tell from another.
#include "core/verdict.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace tg {
namespace {

TEST(Verdict, EachHasItsOwnStateAndSentences) {
    std::set<std::string> states, reasons;
    for (std::size_t i = 0; i < verdict_count; i++) {
        const VerdictText& text = describe(static_cast<Verdict>(i));
        EXPECT_TRUE(states.insert(text.sqlstate).second) << text.reason;
        EXPECT_TRUE(reasons.insert(std::string(text.reason)).second) << text.reason;
        EXPECT_EQ(std::string(text.sqlstate).size(), 5u);
        EXPECT_EQ(std::string(text.detail).back(), '.');
        EXPECT_TRUE(text.hint == nullptr || std::string(text.hint).back() == '.') << text.hint;
    }
    EXPECT_STREQ(describe(Verdict::ok).sqlstate, "00000");
    EXPECT_STREQ(describe(Verdict::token_missing).sqlstate, "28T01");
    EXPECT_STREQ(describe(Verdict::expired).sqlstate, "28T09");
    EXPECT_STREQ(describe(Verdict::not_yet_valid).sqlstate, "28T10");
    EXPECT_STREQ(describe(Verdict::internal).sqlstate, "28T19");
    EXPECT_STREQ(describe(Verdict::type_mismatch).sqlstate, "28T20");
    EXPECT_EQ(describe(Verdict::tenant_switch).reason, "tenant_switch");
}

TEST(Verdict, AnUnknownOneIsInternal) {
    EXPECT_EQ(describe(static_cast<Verdict>(200)).reason, "internal");
}

}  // namespace
}  // namespace tg
