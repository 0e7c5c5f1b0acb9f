// The server's clock in Unix time, as tokens count it.
#pragma once

#include "pg/server.h"

namespace tg::pg {

// Microseconds since 1970-01-01 UTC. Infinite times stay as they are.
inline int64 unix_time_us(TimestampTz time) {
    constexpr int64 epoch_us =
        int64{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * SECS_PER_DAY * USECS_PER_SEC;
    return TIMESTAMP_NOT_FINITE(time) ? time : time + epoch_us;
}

// Now, and not when the statement or transaction began.
inline int64 unix_now_us() { return unix_time_us(GetCurrentTimestamp()); }

// Whether a time has come. Nearly always a clock of whole seconds can tell, at a fraction of the cost.
inline bool has_come(int64 unix_us) {
    if ((std::time(nullptr) + 1) * USECS_PER_SEC < unix_us) return false;
    return unix_us <= unix_now_us();
}

}  // namespace tg::pg
