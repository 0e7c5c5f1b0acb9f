// See the header. The planner hook sees what inlining added (the finished plan's flat list); the
// permission hook is the only one that also sees cached plans and COPY.
#include "guard/relations.h"

#include "catalog/installation.h"
#include "context/tenant_context.h"
#include "guard/crossings.h"
#include "guard/expiry.h"
#include "guard/foreign_key_query.h"
#include "guard/plan_freshness.h"
#include "guard/relation_refusals.h"
#include "guard/role_catalogs.h"
#include "guard/secure_views.h"
#include "guard/untrusted_execution.h"
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
#include "optimizer/planner.h"
#include "utils/relcache.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::guarding;
using enforcement::refuse;

using policy::RelationClass;

planner_hook_type next_planner = nullptr;

constexpr AclMode writing = ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;

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

// Whether the class alone lets the access through, in a transaction that has authenticated.
inline bool is_plainly_allowed(RelationClass found, AclMode permissions) {
    switch (found) {
        case RelationClass::system:
        case RelationClass::own:
        case RelationClass::view:
        case RelationClass::shared_writable:
        case RelationClass::isolated:
            return true;
        case RelationClass::shared:
            return (permissions & writing) == 0;
        default:
            return false;
    }
}

bool is_allowed(RelationClass found, const pg::RelationAccess& access) {
    return is_plainly_allowed(found, access.permissions) ||
           (found == RelationClass::temporary && is_made_in_this_transaction(access.relation));
}

// What most accesses are, and are found to be at once.
bool is_known_to_be_allowed(const void* entry) {
    pg::RelationAccess access;
    if (!pg::read_access(entry, access)) return true;
    return policy::is_last(access.relation, access.role) &&
           is_plainly_allowed(policy::classify(access.relation, access.role), access.permissions);
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

void check_entries(Guarding mode, Occasion occasion, List* entries) {
    const bool is_plain = context::current() && !enforcement::is_untrusted() && !InNoForceRLSOperation();
    ListCell* cell;
    foreach (cell, entries)
        if (!is_plain || !is_known_to_be_allowed(lfirst(cell))) check_entry(mode, occasion, lfirst(cell), entries);
}

// While a worker takes up its part of a plan that its leader has checked. What functions in it go on to
// read, nobody has checked.
bool takes_up_leaders_plan = false;

bool is_server_query() { return takes_up_leaders_plan || is_foreign_key_query(); }

// Returns how the transaction is guarded.
Guarding check_again(List* entries) {
    if (entries == NIL || is_server_query()) return Guarding::none;
    const Guarding mode = guarding();
    if (mode == Guarding::none)
        note_unguarded_crossing(entries);
    else
        check_entries(mode, Occasion::execution, entries);
    return mode;
}

bool check_at_execution(List* entries, bool) {
    check_started_plan(check_again(entries));
    return true;
}

// Rows read before the token was verified and rows read after it would be in one result.
void refuse_reading_authentication(const PlannedStmt* planned) {
    if (planned->invalItems == NIL || !calls_authenticate(planned) || !pg::reads_relations(planned)) return;
    refuse(Guarding::refuse,
           {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
            .message = "a statement that authenticates cannot read relations",
            .detail = "It calls tenant_guard.authenticate() and names a relation.",
            .hint = "Call tenant_guard.authenticate(jwt) in a statement of its own.",
            .object = "tenant_guard.authenticate"});
}

PlannedStmt* plan(Query* query, const char* text, int cursor_options, ParamListInfo parameters) {
    if (enforcement::is_untrusted()) bound_planning();
    if (must_stay_in_process()) cursor_options &= ~CURSOR_OPT_PARALLEL_OK;
    Planning planning;
    begin_planning(query, planning);
    PlannedStmt* planned = next_planner(query, text, cursor_options, parameters);
    List* entries = pg::access_entries(planned);
    if (entries == NIL || is_server_query()) return planned;
    // Under `warn` the execution that follows says it, and once is enough.
    const Guarding mode = enforcement::guarding_as_known();
    if (mode == Guarding::refuse) check_entries(mode, Occasion::planning, entries);
    refuse_reading_authentication(planned);
    end_planning(planning, mode, planned);
    return planned;
}

}  // namespace

void start_in_worker(QueryDesc* query, int flags, ExecutorStart_hook_type next) {
    const bool is_part = query->dest && query->dest->mydest == DestTupleQueue;
    if (!is_part) return next(query, flags);
    pg::with_flag(takes_up_leaders_plan, [&] { next(query, flags); });
}

void check_relation(Oid relation, Oid role, AclMode permissions) {
    const Guarding mode = guarding();
    if (mode != Guarding::none) check_access(mode, Occasion::execution, {relation, role, permissions, nullptr, false}, NIL);
}

void check_plan(const PlannedStmt* planned) {
    check_again(pg::access_entries(planned));
}

bool would_refuse_relation(const pg::RelationAccess& access, List* entries, RelationClass& found_out) {
    found_out = classify_in(entries, access);
    return !is_allowed(found_out, access) && !is_hidden(access, entries);
}

void install_relations() {
    next_planner = planner_hook ? planner_hook : standard_planner;
    planner_hook = plan;
    pg::CheckPermissionsHook<check_at_execution>::install();
}

}  // namespace tg::guard
