// How much a guarded transaction may do: `application` for SQL that an application wrote, `untrusted`
// for SQL that a model or a stranger wrote. The profile rides on the setting tenant_guard.profile, so
// that savepoints, the end of the transaction and parallel workers are PostgreSQL's own doing. It can
// be tightened and never loosened within a transaction: a nesting level beside the setting says what
// should be there, whatever became of the setting.
#pragma once

#include "enforcement/mode.h"
#include "pg/server.h"

namespace tg::enforcement {

enum class Profile : int { application, untrusted };

// Makes the transaction untrusted until it, or the subtransaction that this runs in, ends. Fails in a
// parallel operation, as assigning any setting does.
void make_untrusted();

namespace state {
// What setting and nesting level come to.
inline bool is_untrusted = false;
}  // namespace state

inline bool is_untrusted() { return state::is_untrusted; }

// How the untrusted rules hold for what runs now: Guarding::none for a trusted or unguarded
// transaction, and inside a SECURITY DEFINER function, which an administrator had to vouch for.
Guarding guarding_untrusted();

// SET LOCAL tenant_guard.profile = 'untrusted' by a client, who may not set it otherwise.
bool is_tightening(const VariableSetStmt* statement);
void tighten();

void install_profile();

}  // namespace tg::enforcement
