// A JWK set (RFC 7517 section 5) as text from outside the database. The set is judged as a whole
// before any key of it is used: which of two keys a kid means must not depend on which of them we
// can read, and a secret that was published together with public keys is a secret no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "jose/json.h"
#include "jose/key.h"

namespace tg::jose {

inline constexpr std::size_t max_jwk_set_size = 262'144;  // bytes
inline constexpr std::size_t max_set_keys = 100;

enum class SetVerdict : std::uint8_t {
    ok,
    unreadable,
    too_large,
    mixed_with_secrets,
    repeated_kid,
    no_usable_key,  // said by whoever took the keys
};

// A full sentence for errdetail; contains nothing of the set.
const char* describe(SetVerdict verdict);

// Judges the whole; on ok, `keys` walks over the set's keys, in order.
SetVerdict read_jwk_set(std::string_view json, JsonCursor& keys);

// Moves to the next key; false behind the last one. `verdict` says whether it can be used: a set
// holds keys for other purposes and of other kinds too, which are to be left out. Wipe `out` in any
// case.
bool take_key(JsonCursor& keys, ImportedKey& out, KeyVerdict& verdict);

// Does the set hold secrets (and then nothing else)? Only for a set that was read.
bool holds_secrets(JsonCursor keys);

}  // namespace tg::jose
