// What is accepted is the one spelling of its bytes: encoding them again gives the text back.
#include <string>

#include "core/bytes.h"
#include "jose/base64url.h"
#include "require.h"

using namespace tg;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The files of the corpus end in a line break; a text of base64url never does.
    if (size != 0 && data[size - 1] == '\n') size--;
    const std::string_view input = as_text({data, size});
    std::string decoded(jose::base64url_decoded_size(size), '\0');
    std::size_t decoded_size = 0;
    if (jose::read_base64url(input, decoded, decoded_size)) {
        decoded.resize(decoded_size);
        std::string encoded(jose::base64url_encoded_size(decoded_size), '\0');
        std::size_t encoded_size = 0;
        REQUIRE(jose::write_base64url(decoded, encoded, encoded_size));
        REQUIRE(encoded_size == encoded.size() && encoded == input);
    }
    std::string encoded(jose::base64url_encoded_size(size), '\0');
    std::size_t encoded_size = 0;
    REQUIRE(jose::write_base64url(input, encoded, encoded_size) && encoded_size == encoded.size());
    std::string room(size, '\0');
    REQUIRE(jose::read_base64url(encoded, room, decoded_size) && room == input);
    return 0;
}
