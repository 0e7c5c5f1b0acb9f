// A table in which an administrator vouched for functions: the function by its signature, and the digest of
// the definition that it had then. Whatever changes the definition takes the voucher back.
#pragma once

#include "pg/server.h"

namespace tg::guard {

enum class Voucher : uint8 { none, other_definition, in_force };

// What the table, whose primary key is the function, says of this one.
Voucher read_voucher(Oid table, Oid index, Oid function);

}  // namespace tg::guard
