// tenant_guard.session_state = reset: what a guarded transaction makes that would outlive it is let
// through and undone at its end, for applications that cannot change. Without it such a statement is
// refused; nothing is both let through and left.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::session {

enum class Remnant {
    setting,  // undone by guard/setting_rules, which knows which may stay
    temporary_object,
    held_cursor,
    prepared_statement,
    channel,
    advisory_lock,
};

// Whether the caller lets it through. If so, the end of the transaction undoes it, under `warn`
// excepted, which changes nothing.
bool is_undone_at_end(enforcement::Guarding guarding, Remnant remnant);

void install_undoing();

}  // namespace tg::session
