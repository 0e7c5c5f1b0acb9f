// Who is guarded, and how strictly. One answer for all parts of the guard: a transaction that
// authenticated, and every transaction of a role under `always`, whoever it has become meanwhile.
#pragma once

#include "context/tenant_context.h"
#include "pg/compat.h"
#include "pg/verdict_basis.h"

namespace tg::enforcement {

// The values of tenant_guard.enforce, in order of strictness.
enum class Enforcement : int { off, warn, authenticated, always };

enum class Guarding {
    none,   // nothing is checked
    warn,   // checked; what would be refused is logged
    refuse  // checked and refused
};

// How the running transaction is guarded, after taking in what other sessions have changed. Raises an
// error where it must be guarded and can't be: the extension is missing or damaged, or the context was lost.
Guarding guarding();

namespace state {
// The last answer, and all that it was made of: most statements ask what the one before asked.
struct Answer {
    uint64 basis;
    uint64 context;  // its serial; 0: none
    Oid session_role;
    Oid outer_role;
    GucSource setting_source;
    Guarding guarding;
};
inline Answer last{};

inline const config_generic* setting = nullptr;  // the server's record of tenant_guard.enforce
}  // namespace state

inline bool is_last_answer_right() {
    const context::TenantContext* tenant = context::current();
    return state::last.basis == pg::verdict_basis() && state::last.context == (tenant ? tenant->serial() : 0) &&
           state::last.setting_source == state::setting->source && state::last.session_role == GetSessionUserId() &&
           state::last.outer_role == GetOuterUserId();
}

// Judges anew.
Guarding judge_guarding();

// The same as far as this session has heard of changes: for a caller that has just taken them in.
inline Guarding guarding_as_known() {
    return !context::is_lost() && is_last_answer_right() ? state::last.guarding : judge_guarding();
}

// The same for what is not about relations: commands, settings and functions. Without a context only a
// role that was named, or that owns nothing in the database, is held to it, so that owners can migrate
// under a database-wide `always`.
Guarding guarding_beyond_relations();

// How the transaction will be guarded once it has authenticated.
Guarding guarding_if_authenticated();

// Named by guard_role(), or by ALTER ROLE ... SET tenant_guard.enforce: then owning a table does not
// exempt.
bool is_named_role();

namespace state {
inline uint64 changes_of_roles = 1;
}

// Counts the changes of roles and memberships that this session has heard of.
inline uint64 role_changes() { return state::changes_of_roles; }

void install_mode();

}  // namespace tg::enforcement
