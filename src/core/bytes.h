// Views over bytes that somebody else owns. The core reads text (char) and OpenSSL reads octets
// (unsigned char); this is the one place where the one becomes the other, so that no other file
// needs a reinterpret_cast. A view must never outlive the buffer it looks into: the core keeps
// none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tg {

using Octets = std::span<const std::uint8_t>;

inline Octets as_octets(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Octets octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// The string_view members of these names go through substr(), which can throw and would link
// libstdc++.
inline bool has_prefix(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && std::string_view(text.data(), prefix.size()) == prefix;
}

inline bool has_suffix(std::string_view text, std::string_view suffix) {
    return text.size() >= suffix.size() &&
           std::string_view(text.data() + text.size() - suffix.size(), suffix.size()) == suffix;
}

// What follows the first `count` bytes; all of them are dropped from a shorter text.
inline std::string_view without_first(std::string_view text, std::size_t count) {
    const std::size_t dropped = count < text.size() ? count : text.size();
    return {text.data() + dropped, text.size() - dropped};
}

inline std::string_view first_of(std::string_view text, std::size_t count) {
    return {text.data(), count < text.size() ? count : text.size()};
}

}  // namespace tg
