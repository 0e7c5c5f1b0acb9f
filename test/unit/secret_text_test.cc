// What is blotted out of logs, and that no text makes the search take more than a few passes over it: it runs in every backend
// for every log line, where nothing can interrupt it.
#include "audit/secret_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace tg::audit {
namespace {

std::string repeated(std::string_view piece, std::size_t size) {
    std::string text;
    text.reserve(size + piece.size());
    while (text.size() < size) text += piece;
    return text;
}

// $a$$b$$c$...: every tag another.
std::string opening_tags(std::size_t size) {
    std::string text;
    for (std::size_t number = 0; text.size() < size; number++) {
        text += "$t";
        for (std::size_t rest = number; rest > 0; rest /= 26) text += static_cast<char>('a' + rest % 26);
        text += '$';
    }
    return text;
}

TEST(SecretText, BlotsLiteralsOfEveryForm) {
    constexpr struct {
        const char *why, *text, *blotted;
    } cases[] = {
        {"a literal", "SELECT authenticate('abc')", "SELECT authenticate('***')"},
        {"doubled quotes", "authenticate('a''b')", "authenticate('****')"},
        {"escapes", R"(authenticate(E'a\'b'))", "authenticate(E'****')"},
        {"no end", "authenticate('abc", "authenticate('***"},
        {"dollar quotes", "authenticate($x$abc$x$)", "authenticate($x$***$x$)"},
        {"a parameter is none", "authenticate($1)", "authenticate($1)"},
        {"a name with an apostrophe's neighbour", R"("a" 'b')", R"("a" '*')"},
        {"a comment", "/* it's */ authenticate('abc')", "/* it's */ authenticate('***')"},
        {"a body", "DO $$ PERFORM authenticate('abc') $$", "DO $$ PERFORM authenticate('***') $$"},
        {"a body in a body", "DO $a$ DO $b$ authenticate('abc') $b$ $a$", "DO $a$ DO $b$ authenticate('***') $b$ $a$"},
        {"the fifth body is a literal", "$a$$b$$c$$d$$e$authenticate('abc')$e$$d$$c$$b$$a$",
         "$a$$b$$c$$d$$e$*******************$e$$d$$c$$b$$a$"},
    };
    for (const auto& [why, text, blotted] : cases) {
        std::string copy{text};
        blot_literals(copy.data());
        EXPECT_EQ(copy, blotted) << why;
    }
}

TEST(SecretText, MayBeWhereverALiteralOrATokenCanBegin) {
    for (std::size_t size = 0; size < 70; size++) {
        const std::string harmless(size, 'e');
        EXPECT_FALSE(may_hold_secret(harmless)) << size;
        for (std::size_t at = 0; at < size; at++) {
            for (const std::string beginning : {"'", "$", "ey", "ew"}) {
                if (at + beginning.size() > size) continue;
                std::string text(size, 'x');
                text.replace(at, beginning.size(), beginning);
                EXPECT_TRUE(may_hold_secret(text)) << text;
                // What lies behind the text is not part of it.
                EXPECT_FALSE(may_hold_secret(std::string_view(text).substr(0, at))) << text;
            }
            for (const std::string almost : {"y", "w", "e"}) {
                std::string text(size, 'x');
                text[at] = almost[0];
                EXPECT_FALSE(may_hold_secret(text)) << text;
            }
        }
    }
}

TEST(SecretText, BlotsTokensAndLeavesTheRest) {
    std::string copy{"a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln b eyJ c"};
    EXPECT_TRUE(holds_token(copy));
    blot_tokens(copy.data());
    EXPECT_EQ(copy, "a " + std::string(41, '*') + " b eyJ c");
    EXPECT_FALSE(holds_token(copy));
}

TEST(SecretText, BlotsLongConstantsOfTrees) {
    std::string copy{":constvalue 20 [ 80 0 0 0 101 121 74 104 98 71 99 105 79 105 ] :constvalue 4 [ 1 0 0 0 ]"};
    blot_constants(copy.data());
    EXPECT_EQ(copy, ":constvalue 20 [ ** * * * *** *** ** *** ** ** ** *** ** *** ] :constvalue 4 [ 1 0 0 0 ]");
}

// Four megabytes, of which a search that starts over at every place would make sixteen million million steps: the alarm ends it
// long before. One pass takes milliseconds.
TEST(SecretText, NoTextIsReadManyTimes) {
    constexpr std::size_t size = 4 << 20;
    const std::string secret = " authenticate 'x";
    const struct {
        const char* why;
        std::string text;
    } cases[] = {
        {"opening tags, each within the last", opening_tags(size) + secret},
        {"opening tags, the statement first", secret + "' " + opening_tags(size)},
        {"one tag", repeated("$a$", size) + secret},
        {"tags that do not end", repeated("$a", size) + secret},
        {"one long tag", "$" + repeated("a", size) + secret},
        {"dollars", repeated("$", size) + secret},
        {"quotes", repeated("'", size)},
        {"names that do not end", repeated("\"'", size) + secret},
        {"quotes of names", repeated("\"", size) + secret},
        {"open comments", repeated("/*", size) + secret},
        {"lines of comment", repeated("--", size) + secret},
        {"statements that name it", repeated("SELECT 'authenticate';", size)},
        {"almost the word", repeated("authenticat", size)},
        {"almost tokens", repeated("eyJ.", size)},
        {"one run", repeated("eyJ", size)},
        {"e alone", repeated("e", size)},
        {"parts without end", repeated("eyJaaaaaaaaaaa.", size)},
        {"constants without a list", repeated(":constvalue ", size) + "["},
        {"constants with a list far away", repeated(":constvalue ", size) + "[ 1 ]"},
        {"lists without end", repeated(":constvalue 9 [ ", size)},
    };
    const struct {
        const char* name;
        std::function<void(std::string&)> run;
    } searches[] = {
        {"may_hold_secret", [](std::string& text) { may_hold_secret(text); }},
        {"holds_token", [](std::string& text) { holds_token(text); }},
        {"hands_over_secret", [](std::string& text) { hands_over_secret(text); }},
        {"has_literal", [](std::string& text) { has_literal(text); }},
        {"blot_tokens", [](std::string& text) { blot_tokens(text.data()); }},
        {"blot_literals", [](std::string& text) { blot_literals(text.data()); }},
        {"blot_constants", [](std::string& text) { blot_constants(text.data()); }},
    };
    for (const auto& [why, text] : cases)
        for (const auto& [name, run] : searches) {
            SCOPED_TRACE(std::string(name) + ": " + why);
            std::string copy{text};
            alarm(60);
            run(copy);
            alarm(0);
            EXPECT_EQ(copy.size(), text.size());
        }
}

}  // namespace
}  // namespace tg::audit
