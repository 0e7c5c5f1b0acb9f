#include "jose/jwk_set.h"

#include <array>

#include "jose/json_string.h"

namespace tg::jose {
namespace {

constexpr std::array<const char*, static_cast<std::size_t>(SetVerdict::no_usable_key) + 1>
    sentences = {
        "The set is good.",
        "It is not a JWK set: one JSON object with an array \"keys\".",
        "The set is larger than the largest that is accepted.",
        "The set mixes secrets with public keys: a set with public keys is made to be published.",
        "The set has two keys with one kid.",
        "The set has no key that can be used.",
};

bool is_secret(const JsonValue& key) {
    JsonValue kty;
    return find_member(key, "kty", kty) && is_string(kty, "oct");
}

// An empty kid names nothing: the key gets its thumbprint instead.
bool find_kid(const JsonValue& key, JsonValue& out) {
    return find_member(key, "kid", out) && out.kind == JsonKind::string && !out.text.empty();
}

SetVerdict judge_keys(JsonCursor keys) {
    std::array<std::string_view, max_set_keys> kids;
    std::size_t key_count = 0, kid_count = 0, secret_count = 0;
    for (JsonValue key; take_element(keys, key); key_count++) {
        if (key_count == max_set_keys) return SetVerdict::too_large;
        if (is_secret(key)) secret_count++;
        JsonValue kid;
        if (!find_kid(key, kid)) continue;
        for (std::size_t i = 0; i < kid_count; i++)
            if (is_same_string(kids[i], kid.text)) return SetVerdict::repeated_kid;
        kids[kid_count++] = kid.text;
    }
    const bool is_mixed = secret_count != 0 && secret_count != key_count;
    return is_mixed ? SetVerdict::mixed_with_secrets : SetVerdict::ok;
}

}  // namespace

const char* describe(SetVerdict verdict) {
    const auto index = static_cast<std::size_t>(verdict);
    return sentences[index < sentences.size() ? index : 1];
}

SetVerdict read_jwk_set(std::string_view json, JsonCursor& keys) {
    keys = {nullptr, nullptr};
    if (json.size() > max_jwk_set_size) return SetVerdict::too_large;
    JsonValue set, array;
    if (read_json(json, set) != JsonVerdict::ok || !find_member(set, "keys", array) ||
        array.kind != JsonKind::array)
        return SetVerdict::unreadable;
    const SetVerdict verdict = judge_keys(elements_of(array));
    if (verdict == SetVerdict::ok) keys = elements_of(array);
    return verdict;
}

bool take_key(JsonCursor& keys, ImportedKey& out, KeyVerdict& verdict) {
    JsonValue key;
    if (!take_element(keys, key)) return false;
    wipe(out);
    verdict =
        key.kind == JsonKind::object ? import_jwk(key.text, out) : KeyVerdict::unreadable;
    return true;
}

bool holds_secrets(JsonCursor keys) {
    JsonValue first;
    return take_element(keys, first) && is_secret(first);
}

}  // namespace tg::jose
