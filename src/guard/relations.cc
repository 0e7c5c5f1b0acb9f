// See the header. The permission hook is the only one that also sees cached plans and COPY.
#include "guard/relations.h"

#include "catalog/installation.h"
#include "context/tenant_context.h"
#include "guard/cleared_plans.h"
#include "guard/crossings.h"
#include "guard/foreign_key_query.h"
#include "guard/plain_access.h"
#include "guard/plan_freshness.h"
#include "guard/relation_refusals.h"
#include "guard/role_catalogs.h"
#include "guard/secure_views.h"
#include "guard/untrusted_relations.h"
#include "guard/vouchers.h"
#include "enforcement/mode.h"
#include "enforcement/profile.h"
#include "enforcement/refusal.h"
#include "pg/compat.h"
#include "pg/hook.h"
#include "pg/text.h"
#include "policy/relation_class.h"

extern "C" {
#include "access/parallel.h"
#include "catalog/pg_db_role_setting.h"
#include "executor/execdesc.h"
#include "utils/relcache.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::guarding;
using enforcement::refuse;

using policy::RelationClass;

// A temporary table is this transaction's own only if this transaction made it: one that was there
// before may hold another tenant's rows, or be somebody's trap under the name of a real table.
bool is_made_in_this_transaction(Oid relation) {
    Relation opened = RelationIdGetRelation(relation);
    if (!RelationIsValid(opened)) return false;
    const bool is_new = opened->rd_createSubid != InvalidSubTransactionId;
    RelationClose(opened);
    return is_new;
}

// A migration owns what it touches; guard_role() takes this away from an application's role.
bool is_exempt_owner(Oid relation, Oid role) {
    return !context::current() && !enforcement::is_named_role() &&
           pg::is_owner(relation, role);
}

// What a vouched function may reach as its owner. A temporary table may be its caller's trap, and
// isolation that is broken is mended and not vouched for.
bool may_be_vouched_for(RelationClass found) {
    return found == RelationClass::isolation_bypassed || found == RelationClass::unprotected ||
           found == RelationClass::shared;
}

enum class Occasion { planning, execution };

// The class of a relation as this statement reads it: through its secure view, it is isolated by that.
RelationClass classify_in(List* entries, const pg::RelationAccess& access) {
    const RelationClass found = policy::classify(access.relation, access.role);
    if (found == RelationClass::unprotected && is_read_through_secure_view(access, entries))
        return RelationClass::isolated;
    if (found == RelationClass::isolated && is_unforced_on_owner(access.relation, access.role))
        return RelationClass::isolation_bypassed;
    return found;
}

bool is_allowed(RelationClass found, const pg::RelationAccess& access) {
    return is_plainly_allowed(found, access.permissions) ||
           (found == RelationClass::temporary && is_made_in_this_transaction(access.relation));
}

// The catalog of settings, below a view that shows none of them.
bool is_hidden(const pg::RelationAccess& access, List* entries) {
    return access.relation == DbRoleSettingRelationId && hides_role_settings(entries);
}

void check_access(Guarding guarding, Occasion occasion, const pg::RelationAccess& access, List* entries) {
    const RelationClass found = classify_in(entries, access);
    if (refuses_untrusted_relation(access, found)) return;
    const bool needs_context = found == RelationClass::isolated && !context::current();
    if (is_allowed(found, access) && !needs_context) return;
    if (is_exempt_owner(access.relation, access.role)) return;

    const char* name = qualified_name(access.relation);
    if (may_be_vouched_for(found) && is_vouched_for(access.role)) {
        if (occasion == Occasion::execution) note_crossing(name);
        return;
    }
    refuse_access(guarding, found, access, name);
}

pg_noinline void check_entry(Guarding mode, Occasion occasion, const void* entry, List* entries) {
    pg::RelationAccess access;
    if (pg::read_access(entry, access) && !is_hidden(access, entries))
        check_access(mode, occasion, access, entries);
}

// Returns whether each is allowed by its class alone.
bool check_entries(Guarding mode, Occasion occasion, List* entries) {
    const bool is_plain = is_class_enough(InNoForceRLSOperation());
    const Oid user = GetUserId();
    bool are_allowed = is_plain;
    ListCell* cell;
    foreach (cell, entries) {
        if (is_plain && is_known_to_be_allowed(lfirst(cell), user)) continue;
        check_entry(mode, occasion, lfirst(cell), entries);
        are_allowed = are_allowed && is_known_to_be_allowed(lfirst(cell), user);
    }
    return are_allowed;
}

// Returns how the transaction is guarded. `planned` is the plan that the relations are of, if it is about to start.
Guarding check_again(List* entries, const PlannedStmt* planned) {
    if (entries == NIL || is_server_query()) return Guarding::none;
    const Guarding mode = guarding();
    const uint64 basis = pg::verdict_basis();
    const bool is_guarded = mode != Guarding::none;
    const bool is_clear = is_guarded ? check_entries(mode, Occasion::execution, entries) : note_unguarded_crossing(entries);
    // Who has a tenant and is not guarded has switched the guard off; that is no common way.
    const bool is_common = is_guarded || !context::current();
    if (is_clear && is_common && planned)
        clear_plan(is_guarded ? state::cleared_for_tenants : state::cleared_for_unguarded, planned, GetUserId(), basis,
                   is_running_by_name() && is_known_plan(number_of(planned)));
    return mode;
}

pg_noinline void check_start(List* entries) {
    const PlannedStmt* planned = take_starting(entries);
    const bool is_old = planned && is_outlived(planned);
    const Guarding mode = check_again(entries, is_old ? nullptr : planned);
    if (is_old && mode != Guarding::none) make_plans_anew(mode);
    check_started_plan(mode);
}

bool check_at_execution(List* entries, bool) {
    if (!was_let_through(entries)) check_start(entries);
    return true;
}

}  // namespace

void start_in_worker(QueryDesc* query, int flags, ExecutorStart_hook_type next) {
    const bool is_part = query->dest && query->dest->mydest == DestTupleQueue;
    if (!is_part) return next(query, flags);
    pg::with_flag(state::takes_up_leaders_plan, [&] { next(query, flags); });
}

void check_relation(Oid relation, Oid role, AclMode permissions) {
    const Guarding mode = guarding();
    if (mode != Guarding::none) check_access(mode, Occasion::execution, {relation, role, permissions, nullptr, false}, NIL);
}

void check_plan(const PlannedStmt* planned) {
    check_again(pg::access_entries(planned), nullptr);
}

bool check_planned(List* entries) { return check_entries(Guarding::refuse, Occasion::planning, entries); }

bool would_refuse_relation(const pg::RelationAccess& access, List* entries, RelationClass& found_out) {
    found_out = classify_in(entries, access);
    return !is_allowed(found_out, access) && !is_hidden(access, entries);
}

void install_relations() {
    pg::CheckPermissionsHook<check_at_execution>::install();
}

}  // namespace tg::guard
