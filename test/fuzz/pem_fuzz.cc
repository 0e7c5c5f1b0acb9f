// Every PEM that is accepted loads under the algorithm that was asked for. The first byte chooses
// it.
#include <memory>

#include <openssl/err.h>

#include "core/bytes.h"
#include "jose/key.h"
#include "require.h"

using namespace tg;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const jose::Algorithm& row = jose::algorithms[data[0] % jose::algorithms.size()];
    const auto key = std::make_unique<jose::ImportedKey>();
    const std::string_view pem = as_text({data + 1, size - 1});
    const jose::KeyVerdict verdict = jose::import_pem("k1", row.name, pem, *key);
    REQUIRE(ERR_peek_error() == 0);
    if (verdict != jose::KeyVerdict::ok) return 0;
    REQUIRE(key->algorithm->name == row.name && !key->is_secret);
    jose::VerificationKey loaded{};
    REQUIRE(jose::load_key(key->algorithm->stored_name,
                           as_text({key->material.data(), key->material_size}),
                           loaded) == jose::KeyVerdict::ok);
    jose::release(loaded);
    return 0;
}
