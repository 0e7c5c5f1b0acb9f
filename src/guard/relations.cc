// See the header. The planner hook sees what inlining added (the finished plan's flat list); the
// permission hook is the only one that also sees cached plans and COPY.
#include "guard/relations.h"

#include "catalog/installation.h"
#include "context/tenant_context.h"
#include "guard/expiry.h"
#include "guard/plan_freshness.h"
#include "guard/role_catalogs.h"
#include "guard/untrusted_relations.h"
#include "guard/vouchers.h"
#include "enforcement/mode.h"
#include "enforcement/refusal.h"
#include "pg/compat.h"
#include "pg/hook.h"
#include "pg/text.h"
#include "policy/relation_class.h"
#include "policy/settings.h"
#include "policy/system_catalogs.h"

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
ExecutorStart_hook_type next_start = nullptr;

constexpr AclMode writing = ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;

const char* qualified_name(Oid relation) {
    const char* name = get_rel_name(relation);
    if (!name) return psprintf("%u", relation);
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

const char* kind_word(char relkind) {
    switch (relkind) {
        case RELKIND_PARTITIONED_TABLE:
            return "partitioned table";
        case RELKIND_MATVIEW:
            return "materialized view";
        case RELKIND_FOREIGN_TABLE:
            return "foreign table";
        case RELKIND_SEQUENCE:
            return "sequence";
        default:
            return "table";
    }
}

void refuse_unprotected(Guarding guarding, Oid relation, const char* name) {
    const char* column = policy::tenant_column_name();
    const bool has_column = get_attnum(relation, column) != InvalidAttrNumber;
    const char relkind = get_rel_relkind(relation);
    const bool can_have_policies = relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
    const char* literal = quote_literal_cstr(name);
    const char* hint;
    if (!can_have_policies)
        hint = psprintf("Row security is not possible on it: read a view over protected tables "
                        "instead, or run SELECT tenant_guard.declare_shared(%s, 'reason') if it is "
                        "reference data.",
                        literal);
    else if (has_column)
        hint = psprintf("Run SELECT tenant_guard.protect(%s), or declare_shared() if it is reference "
                        "data.",
                        literal);
    else
        hint = psprintf("Add a tenant column and run SELECT tenant_guard.protect(%s, 'column'), or "
                        "run SELECT tenant_guard.declare_shared(%s, 'reason') if it is reference "
                        "data.",
                        literal, literal);
    refuse(guarding,
           {.message = psprintf("relation \"%s\" is not protected for tenant isolation", name),
            .detail = psprintf("It is a %s %s a column \"%s\" and %s.", kind_word(relkind),
                               has_column ? "with" : "without", column,
                               policy::has_row_security(relation)
                                   ? "with row security that tenant_guard does not manage"
                                   : (has_column ? "no row security" : "without row security")),
            .hint = hint,
            .object = name});
}

void refuse_isolation_off(Guarding guarding, Oid, const char* name) {
    refuse(guarding, {.message = psprintf("tenant isolation of relation \"%s\" is switched off", name),
                      .detail = "It is declared protected, but row security is disabled or not "
                                "forced on it, or its tenant column is gone.",
                      .hint = psprintf("Run SELECT tenant_guard.protect(%s).", quote_literal_cstr(name)),
                      .object = name});
}

void refuse_bypassed(Guarding guarding, Oid role, const char* name) {
    const char* role_name = GetUserNameFromId(role, true);
    const char* lost_voucher = vouching_detail(role);
    const char* vouching = vouching_hint(role);
    refuse(guarding,
           {.message = psprintf("row security of relation \"%s\" does not apply", name),
            .detail = psprintf("It is read as role \"%s\", which is a superuser or has BYPASSRLS, so "
                               "the rows of every tenant would be visible.%s%s",
                               role_name ? role_name : "?", lost_voucher ? " " : "",
                               lost_voucher ? lost_voucher : ""),
            .hint = vouching ? vouching
                             : "Read it as a role without these rights: log in as another role, or "
                               "change the owner of the view or function through which it is read.",
            .object = name});
}

void refuse_without_context(Guarding guarding, const char* name) {
    refuse(guarding, {.sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                      .message = psprintf("no tenant is authenticated for relation \"%s\"", name),
                      .detail = "The relation is isolated by tenant, and this transaction has not "
                                "presented a token.",
                      .hint = "Run SELECT tenant_guard.authenticate(jwt) first, in the same transaction.",
                      .object = name});
}

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

void check_access(Guarding guarding, Occasion occasion, const pg::RelationAccess& access) {
    const RelationClass found = policy::classify(access.relation, access.role);
    if (refuses_untrusted_relation(access, found)) return;
    switch (found) {
        case RelationClass::system:
        case RelationClass::own:
        case RelationClass::view:
        case RelationClass::shared_writable:
            return;
        case RelationClass::isolated:
            if (context::current()) return;
            break;
        case RelationClass::shared:
            if ((access.permissions & writing) == 0) return;
            break;
        default:
            break;
    }
    if (is_exempt_owner(access.relation, access.role)) return;

    const char* name = qualified_name(access.relation);
    if (may_be_vouched_for(found) && is_vouched_for(access.role)) {
        if (occasion == Occasion::execution) note_crossing(name);
        return;
    }
    switch (found) {
        case RelationClass::isolated:
            refuse_without_context(guarding, name);
            return;
        case RelationClass::shared:
            refuse(guarding,
                   {.message = psprintf("relation \"%s\" is shared and cannot be changed", name),
                    .detail = "It is reference data that every tenant reads; a change or a row lock "
                              "would reach all of them.",
                    .hint = psprintf("Change it as an administrator, or run SELECT "
                                     "tenant_guard.declare_shared(%s, 'reason', writable => true).",
                                     quote_literal_cstr(name)),
                    .object = name});
            return;
        case RelationClass::isolation_off:
            refuse_isolation_off(guarding, access.relation, name);
            return;
        case RelationClass::isolation_bypassed:
            refuse_bypassed(guarding, access.role, name);
            return;
        case RelationClass::temporary:
            if (is_made_in_this_transaction(access.relation)) return;
            refuse(guarding,
                   {.message = psprintf("temporary table \"%s\" is not of this transaction", name),
                    .detail = "It was made by an earlier transaction of this connection, perhaps for "
                              "another tenant.",
                    .hint = "Run DISCARD ALL outside a transaction, and create temporary tables with "
                            "ON COMMIT DROP.",
                    .object = name});
            return;
        case RelationClass::temporary_foreign:
            refuse(guarding,
                   {.message = psprintf("temporary table \"%s\" is of another session", name),
                    .detail = "Temporary tables belong to the transaction that made them.",
                    .hint = "Create a temporary table of your own with ON COMMIT DROP.",
                    .object = name});
            return;
        case RelationClass::system_refused: {
            const char* why = policy::why_refused(access.relation);
            refuse(guarding, {.message = psprintf("catalog \"%s\" tells about other tenants", name),
                              .detail = why ? why : "TOAST tables hold rows of every tenant.",
                              .hint = "Ask an administrator.",
                              .object = name});
            return;
        }
        case RelationClass::sequence:
            refuse(guarding,
                   {.message = psprintf("sequence \"%s\" tells about other tenants", name),
                    .detail = "Its last value shows how many rows all tenants together have made.",
                    .hint = "Use nextval(), or a column default.",
                    .object = name});
            return;
        default:
            refuse_unprotected(guarding, access.relation, name);
            return;
    }
}

void check_entries(Guarding mode, Occasion occasion, List* entries) {
    if (mode == Guarding::none) return;
    ListCell* cell;
    foreach (cell, entries) {
        pg::RelationAccess access;
        if (!pg::read_access(lfirst(cell), access)) continue;
        if (access.relation == DbRoleSettingRelationId && hides_role_settings(entries)) continue;
        check_access(mode, occasion, access);
    }
}

// While a worker takes up its part of a plan that its leader has checked. What functions in it go on to
// read, nobody has checked.
bool takes_up_leaders_plan = false;

// The server's own foreign-key queries run as the table's owner and must see every tenant's rows.
bool is_server_query() { return InNoForceRLSOperation() || takes_up_leaders_plan; }

// Returns how the transaction is guarded.
Guarding check_again(List* entries) {
    if (is_server_query() || entries == NIL) return Guarding::none;
    const Guarding mode = guarding();
    check_entries(mode, Occasion::execution, entries);
    return mode;
}

bool check_at_execution(List* entries, bool) {
    check_started_plan(check_again(entries));
    return true;
}

PlannedStmt* plan(Query* query, const char* text, int cursor_options, ParamListInfo parameters) {
    if (must_stay_in_process()) cursor_options &= ~CURSOR_OPT_PARALLEL_OK;
    const Planning planning = begin_planning(query);
    PlannedStmt* planned = next_planner ? next_planner(query, text, cursor_options, parameters)
                                        : standard_planner(query, text, cursor_options, parameters);
    if (is_server_query()) return planned;
    List* entries = pg::access_entries(planned);
    if (entries == NIL) return planned;
    // Under `warn` the execution that follows says it, and once is enough.
    const Guarding mode = guarding();
    if (mode == Guarding::refuse) check_entries(mode, Occasion::planning, entries);
    end_planning(planning, mode, planned);
    // Rows read before the token was verified and rows read after it would be in one result.
    if (planned->invalItems != NIL && calls_authenticate(planned) &&
        pg::reads_relations(planned))
        refuse(Guarding::refuse,
               {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                .message = "a statement that authenticates cannot read relations",
                .detail = "It calls tenant_guard.authenticate() and names a relation.",
                .hint = "Call tenant_guard.authenticate(jwt) in a statement of its own.",
                .object = "tenant_guard.authenticate"});
    return planned;
}

void start(QueryDesc* query, int flags) {
    auto pass_on = [&] {
        auto* next = next_start ? next_start : standard_ExecutorStart;
        next(query, flags);
    };
    const bool is_part = IsParallelWorker() && query->dest && query->dest->mydest == DestTupleQueue;
    if (!is_part) return pass_on();
    pg::with_flag(takes_up_leaders_plan, pass_on);
}

}  // namespace

void check_relation(Oid relation, Oid role, AclMode permissions) {
    const Guarding mode = guarding();
    if (mode != Guarding::none) check_access(mode, Occasion::execution, {relation, role, permissions, nullptr});
}

void check_plan(const PlannedStmt* planned) {
    check_again(pg::access_entries(planned));
}

void install_relations() {
    next_planner = planner_hook;
    planner_hook = plan;
    next_start = ExecutorStart_hook;
    ExecutorStart_hook = start;
    pg::CheckPermissionsHook<check_at_execution>::install();
}

}  // namespace tg::guard
