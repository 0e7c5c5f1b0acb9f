// What a verdict of the guard rests on beyond the transaction it is given in: relations, roles, the installation, the mode.
// One number counts the changes of all of it that this session has heard of, so that one comparison tells whether a verdict
// still holds. Not counted is what differs from transaction to transaction: who is authenticated, as which role, and until
// when.
#pragma once

#include "pg/server.h"

namespace tg::pg {

namespace state {
inline uint64 verdict_basis = 1;
}

inline uint64 verdict_basis() { return state::verdict_basis; }

inline void change_verdict_basis() { state::verdict_basis++; }

}  // namespace tg::pg
