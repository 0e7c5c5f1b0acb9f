// Statements that drivers prepare in the protocol, under names of their own, and execute later by that
// name. Parse and Close pass by every hook that could refuse them: a client who speaks the protocol can
// close "S_1" of the driver and prepare something else under the name, which the next tenant then runs,
// with its values and its rights.
#pragma once

#include "pg/server.h"

extern "C" {
#include "tcop/pquery.h"
#include "utils/portal.h"
}

namespace tg::guard {

namespace state {
// The numbers of plans whose names were found unchanged last, each where it puts itself. A plan is of one
// statement, and a name that stands for another has another plan.
inline std::array<uint32, 16> known_plans{};

// Counts what may have been Parse: a name cannot change its meaning without.
inline uint64 parses = 1;
}  // namespace state

inline bool is_known_plan(uint32 number) {
    return number != 0 && state::known_plans[number % state::known_plans.size()] == number;
}

// Whether what runs was prepared in the protocol.
inline bool is_running_by_name() { return ActivePortal && ActivePortal->prepStmtName; }

// The question for the statement that runs, if it was prepared in the protocol and has a tenant. `plan` is
// the number of its plan, or 0 (plan_freshness.h).
void check_running_name(uint32 plan);

// The question for the statement that has just authenticated: when it started there was no tenant to ask it for, and under the
// name of the driver's statement it may be one that presents another's token.
void check_authenticating_name();

inline void note_parse() { state::parses++; }

void install_prepared_names();

}  // namespace tg::guard
