// Which SECURITY DEFINER function is running. Its body, and everything with invoker's rights that it
// calls, reads as its owner; another SECURITY DEFINER function inside it is a function of its own.
#pragma once

#include "pg/server.h"

namespace tg::guard {

struct DefinerFrame {
    const FmgrInfo* call;  // identifies the frame
    Oid function;
    int level;       // nesting level of the (sub)transaction in which it was called
    bool is_noted;   // that it crossed tenants was counted and logged
};

namespace state {
inline int frame_count = 0;
}

// Whether a function is running that may be SECURITY DEFINER.
inline bool has_definer_frames() { return state::frame_count > 0; }

// The innermost SECURITY DEFINER function that is running in this process, or null. Valid until another
// function is called.
DefinerFrame* innermost_definer();

bool is_security_definer(Oid function);

void install_definer_frames();

}  // namespace tg::guard
