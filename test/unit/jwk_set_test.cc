// A JWK set from outside: judged as a whole first, then key by key.
#include "jose/jwk_set.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tg::jose {
namespace {

constexpr std::string_view ed25519 =
    R"({"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr std::string_view p256 =
    R"({"kty":"EC","crv":"P-256","kid":"es","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr std::string_view secret =
    R"({"kty":"oct","kid":"hs","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";

std::string set_of(const std::vector<std::string_view>& keys) {
    std::string out = R"({"keys":[)";
    for (std::size_t i = 0; i < keys.size(); i++) out += (i ? "," : "") + std::string(keys[i]);
    return out + "]}";
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
    std::string out(text);
    return out.replace(out.find(what), what.size(), with);
}

SetVerdict verdict_of(std::string_view json) {
    JsonCursor keys;
    return read_jwk_set(json, keys);
}

std::vector<KeyVerdict> key_verdicts(std::string_view json) {
    JsonCursor keys;
    EXPECT_EQ(read_jwk_set(json, keys), SetVerdict::ok) << json;
    const auto key = std::make_unique<ImportedKey>();
    std::vector<KeyVerdict> out;
    for (KeyVerdict verdict; take_key(keys, *key, verdict);) out.push_back(verdict);
    return out;
}

TEST(JwkSet, ItsKeysComeInOrder) {
    JsonCursor keys;
    const std::string json = set_of({ed25519, p256});
    ASSERT_EQ(read_jwk_set(json, keys), SetVerdict::ok);
    EXPECT_FALSE(holds_secrets(keys));
    const auto key = std::make_unique<ImportedKey>();
    KeyVerdict verdict;
    for (const char* kid : {"ed", "es"}) {
        ASSERT_TRUE(take_key(keys, *key, verdict));
        EXPECT_EQ(verdict, KeyVerdict::ok);
        EXPECT_EQ(std::string(key->kid.data(), key->kid_size), kid);
    }
    EXPECT_FALSE(take_key(keys, *key, verdict));
}

TEST(JwkSet, KeysThatCannotBeUsedAreToldApart) {
    const std::string for_encryption =
        replaced(p256, R"("kid":"es")", R"("kid":"enc","use":"enc")");
    EXPECT_EQ(key_verdicts(set_of({for_encryption, ed25519, "7", R"({"kty":"AKP","kid":"pq"})"})),
              (std::vector<KeyVerdict>{KeyVerdict::wrong_use, KeyVerdict::ok,
                                       KeyVerdict::unreadable, KeyVerdict::unsupported}));
    EXPECT_EQ(key_verdicts(set_of({})), std::vector<KeyVerdict>{}) << "for the caller to refuse";
    EXPECT_EQ(key_verdicts(replaced(set_of({ed25519}), "[", "[ ")),
              std::vector<KeyVerdict>{KeyVerdict::ok});
}

TEST(JwkSet, OneThatIsNoneIsRefused) {
    for (const std::string_view json :
         {"", "[]", "{}", "null", R"({"keys":{}})", R"({"keys":null})", R"({"keys":"x"})",
          R"({"keys":[]} {})", R"({"keys":[],"keys":[]})", R"({"keys":[],"\u006beys":[]})",
          R"({"keys":[}))", R"({"Keys":[]})", "\xef\xbb\xbf{\"keys\":[]}"})
        EXPECT_EQ(verdict_of(json), SetVerdict::unreadable) << json;
    EXPECT_EQ(verdict_of(ed25519), SetVerdict::unreadable) << "one key is no set";
    EXPECT_EQ(verdict_of(set_of({ed25519})), SetVerdict::ok);
}

TEST(JwkSet, AKidNamesOneKey) {
    const std::string twin = replaced(p256, "\"es\"", "\"ed\"");
    EXPECT_EQ(verdict_of(set_of({ed25519, twin})), SetVerdict::repeated_kid);
    const std::string escaped = replaced(p256, "\"es\"", "\"\\u0065d\"");
    EXPECT_EQ(verdict_of(set_of({ed25519, escaped})), SetVerdict::repeated_kid) << "written otherwise";
    EXPECT_EQ(verdict_of(set_of({ed25519, R"({"kty":"RSA","use":"enc","kid":"ed"})"})),
              SetVerdict::repeated_kid)
        << "also of one that cannot be used";
    EXPECT_EQ(verdict_of(set_of({ed25519, p256})), SetVerdict::ok);
    const std::string nameless = replaced(ed25519, "\"ed\"", "\"\"");
    EXPECT_EQ(verdict_of(set_of({nameless, replaced(p256, "\"es\"", "\"\"")})), SetVerdict::ok)
        << "no kid is no name";
}

TEST(JwkSet, SecretsAreNotMixedWithPublicKeys) {
    EXPECT_EQ(verdict_of(set_of({secret, ed25519})), SetVerdict::mixed_with_secrets);
    EXPECT_EQ(verdict_of(set_of({ed25519, replaced(secret, "oct", "\\u006fct")})),
              SetVerdict::mixed_with_secrets);
    JsonCursor keys;
    const std::string json = set_of({secret});
    ASSERT_EQ(read_jwk_set(json, keys), SetVerdict::ok);
    EXPECT_TRUE(holds_secrets(keys));
    EXPECT_EQ(key_verdicts(json), std::vector<KeyVerdict>{KeyVerdict::ok});
}

TEST(JwkSet, TooLargeIsNotRead) {
    const std::string padding(max_jwk_set_size, ' ');
    EXPECT_EQ(verdict_of(set_of({ed25519}) + padding), SetVerdict::too_large);
    std::vector<std::string> named;
    for (std::size_t i = 0; i <= max_set_keys; i++)
        named.push_back(replaced(ed25519, "\"ed\"", "\"" + std::to_string(i) + "\""));
    std::vector<std::string_view> keys(named.begin(), named.end());
    EXPECT_EQ(verdict_of(set_of(keys)), SetVerdict::too_large);
    keys.pop_back();
    EXPECT_EQ(verdict_of(set_of(keys)), SetVerdict::ok);
}

TEST(SetVerdict, EachIsAFullSentence) {
    for (int i = 0; i <= static_cast<int>(SetVerdict::no_usable_key); i++) {
        const std::string_view text = describe(static_cast<SetVerdict>(i));
        EXPECT_TRUE(text.size() > 10 && text.ends_with('.')) << i;
    }
}

}  // namespace
}  // namespace tg::jose
