// JSON strings (RFC 8259 section 7), checked and unescaped. "a" and "\u0061" are one name: whoever
// compares strings as they are written lets a token carry two tenants, one for each way of reading.
#pragma once

#include <cstdint>
#include <string_view>

namespace tg::jose {

// Checks one string; `at` stands on its opening quote and ends up behind the closing one. Refused
// are control characters, bad UTF-8 (RFC 3629: overlong, surrogates, above U+10FFFF), U+0000, lone
// surrogates.
bool take_string(const char*& at, const char* end);

// The unescaped bytes of a checked string, one after the other.
class Unescaper {
  public:
    explicit Unescaper(std::string_view written)
        : at_(written.data()), end_(at_ + written.size()) {}
    bool take(char& out);

  private:
    void take_escape();

    const char* at_;
    const char* end_;
    char pending_[4] = {};
    std::uint8_t pending_size_ = 0;
    std::uint8_t pending_at_ = 0;
};

// Of checked strings, as they mean and not as they are written.
bool is_same_string(std::string_view a, std::string_view b);
std::uint32_t hash_string(std::string_view written);

}  // namespace tg::jose
