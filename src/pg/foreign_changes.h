// Changes of catalogs by other sessions. A cached plan runs without taking a lock anew, so the server itself would not
// hear of what others have committed since the transaction's last lock; the guard must, at every execution. Asking the
// server each time is a quarter of what the guard costs, so a number in shared memory says whether there may be anything
// to hear: it moves with every transaction that can have changed a catalog.
#pragma once

#include "pg/server.h"

extern "C" {
#include "port/atomics.h"
}

namespace tg::pg {

namespace state {
// Without shared memory, as if somebody always were about to commit.
inline const pg_atomic_uint64 not_shared{1};
// Low half: the transactions that are about to commit; high half: those that have.
inline const pg_atomic_uint64* commits = &not_shared;
// Its value when this session heard last, if nobody was about to commit; otherwise one that it never has.
constexpr uint64 never_heard = PG_UINT64_MAX;
inline uint64 heard_at = never_heard;
}  // namespace state

void hear_of_foreign_changes();

inline bool may_have_foreign_changes() {
    return pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(state::commits)) != state::heard_at;
}

// Takes in what other sessions have committed. When it has returned, all that was visible before it was called has been
// heard of.
inline void take_in_foreign_changes() {
    if (may_have_foreign_changes()) hear_of_foreign_changes();
}

// To be called before this transaction does what other sessions must hear of although it has no transaction id of its own.
void announce_change();

void install_foreign_changes();

}  // namespace tg::pg
