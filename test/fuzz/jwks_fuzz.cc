// A JWK set that is accepted has no more keys than are taken, no two of them with one kid as the set
// writes it, and secrets or public keys but not both; each key that can be used loads.
#include <memory>
#include <set>
#include <string>

#include <openssl/err.h>

#include "core/bytes.h"
#include "jose/jwk_set.h"
#include "require.h"

using namespace tg;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    jose::JsonCursor keys;
    if (jose::read_jwk_set(as_text({data, size}), keys) != jose::SetVerdict::ok) {
        REQUIRE(keys.at == nullptr);
        return 0;
    }
    const bool holds_secrets = jose::holds_secrets(keys);
    const auto key = std::make_unique<jose::ImportedKey>();
    jose::KeyVerdict verdict{};
    std::set<std::string> kids;
    std::size_t count = 0, usable = 0, thumbprints = 0;
    for (; jose::take_key(keys, *key, verdict); count++) {
        REQUIRE(ERR_peek_error() == 0);
        if (verdict != jose::KeyVerdict::ok) continue;
        REQUIRE(key->is_secret == holds_secrets);
        jose::VerificationKey loaded{};
        REQUIRE(jose::load_key(key->algorithm->stored_name,
                               as_text({key->material.data(), key->material_size}),
                               loaded) == jose::KeyVerdict::ok);
        jose::release(loaded);
        usable++;
        // A name of our making, a thumbprint, may come twice: the caller looks at those.
        if (key->kid_size == 43)
            thumbprints++;
        else
            kids.emplace(key->kid.data(), key->kid_size);
    }
    REQUIRE(count <= jose::max_set_keys);
    REQUIRE(kids.size() + thumbprints == usable);
    return 0;
}
