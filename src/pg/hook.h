// The only place with PG_TRY. A flag that opens a door must be closed again whatever happens while
// it is open: an error that left it set would open the door for the next tenant on the connection.
#pragma once

#include "pg/server.h"

namespace tg::pg {

// Runs `work` with `flag` set, and puts the flag's former value back, on success and on error.
template <typename Work>
void with_flag(bool& flag, Work work) {
    const bool before = flag;
    flag = true;
    PG_TRY();
    {
        work();
    }
    PG_FINALLY();
    {
        flag = before;
    }
    PG_END_TRY();
}

}  // namespace tg::pg
