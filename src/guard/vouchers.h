// SECURITY DEFINER functions that allow_function() vouches for: while one of them is the innermost such
// function, what it reads as its owner is let through. A voucher holds for the definition that the
// function had: whatever changes it takes the voucher back.
#pragma once

#include "guard/definer_frames.h"

namespace tg::guard {

// Whether a vouched function is running, and `role` is its owner.
bool is_vouched_for(Oid role);

// Whether the function is vouched for as it is defined now.
bool is_vouched(Oid function);

// Counts and logs, once per call, that the vouched function which is running crossed tenants.
void note_crossing(const char* relation);

// What an administrator can do if `role` is the owner of the SECURITY DEFINER function that is running;
// null if it isn't. The first says what is wrong with its voucher, or is null too.
const char* vouching_detail(Oid role);
const char* vouching_hint(Oid role);

// Whether queries are to be planned without workers: a worker does not know in which function it is.
bool is_vouched_running();
inline bool must_stay_in_process() { return has_definer_frames() && is_vouched_running(); }

void install_vouchers();

}  // namespace tg::guard
