// The functions that SQL of a model or a stranger may call: an allow-list, since what a new major or a
// new extension brings must be refused until somebody has thought about it. Asked by the
// function-execute hook, which runs for every function, operator, aggregate and window function of a
// plan as it starts, whoever planned it and whenever, and for what the planner itself computes.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::guard {

// Why the function is allowed under `untrusted`; null if it is not.
const char* why_allowed_untrusted(Oid function);

// Refuses the function if the transaction is untrusted and it is not allowed.
void check_untrusted_function(Oid function);

// The same for a function that a client named in its own text: some are allowed to views alone, and one in
// SQL that the planner would put its body in the place of is still a call.
void check_named_function(enforcement::Guarding guarding, Oid function);

void install_untrusted_functions();

}  // namespace tg::guard
