// Is an EdDSA public key a point that only one secret can sign for? Against a point of small order
// anyone can make signatures that verify, for any message, and OpenSSL accepts such a key without a
// word.
#pragma once

#include "core/bytes.h"
#include "jose/key.h"

namespace tg::jose {

// ok, too_weak (small order), off_curve (not canonical, or no such point), unreadable (size) or
// internal.
KeyVerdict judge_edwards_point(Octets encoded, KeyType type);

}  // namespace tg::jose
