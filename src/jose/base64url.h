// base64url without padding (RFC 4648 section 5, RFC 7515 section 2), in its one canonical
// spelling. A decoder that forgives - padding, white space, the other alphabet, left-over bits -
// gives one signature many spellings, and whoever remembers or revokes tokens by their text is
// fooled.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tg::jose {

// Bytes that a text of this many characters decodes to, or a little more.
constexpr std::size_t base64url_decoded_size(std::size_t encoded_size) {
    return encoded_size / 4 * 3 + 2;
}

// Bytes that this many bytes are encoded to.
constexpr std::size_t base64url_encoded_size(std::size_t decoded_size) {
    return decoded_size / 3 * 4 + (decoded_size % 3 == 0 ? 0 : decoded_size % 3 + 1);
}

// Decodes the whole text to the front of `room`; `size` is what was written. False if the text is
// not canonical or `room` is too small.
bool read_base64url(std::string_view encoded, std::span<char> room, std::size_t& size);

// The inverse; `room` must have base64url_encoded_size() bytes. False if it has not.
bool write_base64url(std::string_view decoded, std::span<char> room, std::size_t& size);

}  // namespace tg::jose
