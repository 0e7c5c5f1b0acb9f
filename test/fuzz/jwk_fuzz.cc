// Every JWK that is accepted loads, has a kid, and is at least as strong as its algorithm. A secret
// has brought its kid: a name of our making would be a hash of the secret.
#include <memory>

#include <openssl/err.h>

#include "core/bytes.h"
#include "jose/key.h"
#include "require.h"

using namespace tg;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto key = std::make_unique<jose::ImportedKey>();
    const jose::KeyVerdict verdict = jose::import_jwk(as_text({data, size}), *key);
    REQUIRE(ERR_peek_error() == 0);
    if (verdict != jose::KeyVerdict::ok) return 0;
    REQUIRE(key->kid_size >= 1 && key->kid_size <= key->kid.size());
    REQUIRE(key->is_secret == (key->algorithm->key == jose::KeyType::secret));
    REQUIRE(!key->is_secret || key->material_size >= key->algorithm->digest_size);
    // An escape may spell the name of the member as well.
    const std::string_view text = as_text({data, size});
    REQUIRE(!key->is_secret || text.find("\"kid\"") != text.npos || text.find('\\') != text.npos);
    jose::VerificationKey loaded{};
    REQUIRE(jose::load_key(key->algorithm->stored_name,
                           as_text({key->material.data(), key->material_size}),
                           loaded) == jose::KeyVerdict::ok);
    jose::release(loaded);
    return 0;
}
