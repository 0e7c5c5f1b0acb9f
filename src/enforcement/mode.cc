// See the header. Two sources, of which the stricter counts: the setting tenant_guard.enforce, as
// the session got it when it started, and the table of roles that guard_role() named, which reaches
// sessions that were connected before.
#include "enforcement/mode.h"

#include "audit/refusals.h"
#include "catalog/installation.h"
#include "context/tenant_context.h"
#include "enforcement/ownership.h"
#include "enforcement/refusal.h"
#include "pg/compat.h"
#include "pg/foreign_changes.h"
#include "pg/relation_changes.h"
#include "pg/verdict_basis.h"

extern "C" {
#include "access/parallel.h"
#include "utils/plancache.h"
}

namespace tg::enforcement {

using state::setting;

namespace {

constexpr const char* setting_name = "tenant_guard.enforce";

int enforce_setting = static_cast<int>(Enforcement::authenticated);

const config_enum_entry enforce_options[] = {
    {"off", static_cast<int>(Enforcement::off), false},
    {"warn", static_cast<int>(Enforcement::warn), false},
    {"authenticated", static_cast<int>(Enforcement::authenticated), false},
    {"always", static_cast<int>(Enforcement::always), false},
    {nullptr, 0, false},
};

// What is known of a role. Two are of interest at a time: who logged in, and who SET ROLE made of it.
struct RoleStanding {
    Oid role;
    uint64 known_at;
    bool is_named;
    Enforcement named;
    bool is_superuser;
    bool is_exempt;  // superuser or BYPASSRLS
};

uint64 changes = 1;
RoleStanding session_standing;
RoleStanding outer_standing;
Oid roles_table = InvalidOid;

// The server does not plan again when a role gains or loses BYPASSRLS: a plan made while row security
// did not apply would show every tenant's rows to a transaction in which it does.
void on_role_change(Datum, int, uint32) {
    changes++;
    pg::change_verdict_basis();
    state::changes_of_roles++;
    ResetPlanCache();
}

void on_relation_change(Datum, Oid relation) {
    if (!OidIsValid(relation) || relation == roles_table) changes++;
}

void on_setting_change(int, void*) { pg::change_verdict_basis(); }

Enforcement enforcement_of(const char* word) {
    for (const config_enum_entry* option = enforce_options; option->name; option++)
        if (std::strcmp(option->name, word) == 0) return static_cast<Enforcement>(option->val);
    return Enforcement::always;  // a word nobody knows must not weaken anything
}

void read_named_role(const catalog::Installation& at, RoleStanding& out) {
    out.is_named = false;
    if (at.state == catalog::InstallationState::absent) return;
    if (!OidIsValid(at.roles_index)) {
        // Nobody can say who was named: everybody was.
        out.is_named = true;
        out.named = Enforcement::always;
        return;
    }
    Relation table = table_open(at.roles, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(out.role));
    SysScanDesc scan = systable_beginscan(table, at.roles_index, true, nullptr, 1, &key);
    const HeapTuple tuple = systable_getnext(scan);
    if (HeapTupleIsValid(tuple)) {
        bool is_null = false;
        const Datum mode = heap_getattr(tuple, 2, RelationGetDescr(table), &is_null);
        out.named = is_null ? Enforcement::always : enforcement_of(TextDatumGetCString(mode));
        out.is_named = out.named != Enforcement::off;
    }
    systable_endscan(scan);
    table_close(table, AccessShareLock);
}

const RoleStanding& standing_of(Oid role, RoleStanding& cached) {
    const catalog::Installation& at = catalog::installation();
    if (roles_table != at.roles) {
        roles_table = at.roles;
        changes++;
    }
    while (cached.role != role || cached.known_at != changes) {
        RoleStanding found{};
        found.role = role;
        found.known_at = changes;
        found.is_superuser = superuser_arg(role);
        found.is_exempt = found.is_superuser || has_bypassrls_privilege(role);
        read_named_role(at, found);
        cached = found;
    }
    return cached;
}

// Whether the setting came with the role, and not with the server or the database.
bool is_set_for_role() {
    return setting->source == PGC_S_USER || setting->source == PGC_S_DATABASE_USER;
}

struct Effective {
    Enforcement mode;
    bool is_exempt;
    bool is_named;
    bool is_session_named;  // the role that logged in was named
    bool is_partly_exempt;  // who logged in, or who SET ROLE made of it, is superuser or BYPASSRLS
};

// The role that logged in counts as well as the one it has SET ROLE to; the owner of a SECURITY
// DEFINER function, which GetUserId() would tell, does not.
Effective effective() {
    const Oid session_role = GetSessionUserId();
    const Oid outer_role = GetOuterUserId();
    const RoleStanding session = standing_of(session_role, session_standing);
    const RoleStanding outer =
        session_role == outer_role ? session : standing_of(outer_role, outer_standing);
    auto mode = static_cast<Enforcement>(enforce_setting);
    if (session.is_named && session.named > mode) mode = session.named;
    if (outer.is_named && outer.named > mode) mode = outer.named;
    const bool is_named = session.is_named || outer.is_named ||
                          (is_set_for_role() && mode != Enforcement::off);
    // guard_role() takes the exemption of BYPASSRLS away, and that of superusers never.
    const bool is_exempt = session.is_exempt && outer.is_exempt && (!is_named || session.is_superuser);
    return {mode, is_exempt, is_named, session.is_named, session.is_exempt || outer.is_exempt};
}

// Without a name and without a context, who owns nothing here has no migration that the rules on commands,
// settings and functions would stop. Whoever can become an owner or an exempt role is left alone.
bool is_held_to_rules(const Effective& now) {
    if (now.is_named) return true;
    if (now.mode != Enforcement::warn && now.mode != Enforcement::always) return false;
    return !now.is_partly_exempt && !owns_something(GetSessionUserId()) && !owns_something(GetOuterUserId());
}

// The error says what is wrong with the installation; the line, that a statement met it.
void note_installation(catalog::InstallationState state) {
    if (state == catalog::InstallationState::ready) return;
    audit::note_refused_statement({.is_refused = true,
                                   .sqlstate = unpack_sql_state(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                                   .object = "tenant_guard",
                                   .reason = "the extension is missing, damaged or of another version"});
}

Guarding guarding_of(const Effective& now, bool has_context) {
    const bool is_exempt = now.is_exempt && !has_context;
    const bool is_checked =
        now.mode == Enforcement::authenticated ? has_context
                                               : now.mode != Enforcement::off && !is_exempt;
    if (!is_checked) return Guarding::none;
    note_installation(catalog::installation().state);
    catalog::require_installation();
    return now.mode == Enforcement::warn ? Guarding::warn : Guarding::refuse;
}

// set_config() changes the role without a statement that could be refused. Whoever authenticated
// stays who he was, and a named role does not become another to authenticate as it.
bool has_changed_role(const Effective& now) {
    if (context::current() && !IsParallelWorker())
        return context::authenticated_role() != GetOuterUserId();
    return now.is_session_named && GetSessionUserId() != GetOuterUserId();
}

void refuse_changed_role(Guarding guarding) {
    refuse(guarding,
           {.message = "parameter \"role\" cannot be set in a guarded transaction",
            .detail = psprintf("The role was changed to \"%s\", and the role decides which row "
                               "security applies.",
                               GetUserNameFromId(GetOuterUserId(), false)),
            .hint = "Set the role before the transaction authenticates, or log in as it.",
            .object = "role"});
}

// Without the extension, only somebody whom the setting names, or who has a context, is to be told so.
bool is_concerned(bool has_context) {
    return has_context || enforce_setting > static_cast<int>(Enforcement::warn) ||
           catalog::installation().state != catalog::InstallationState::absent;
}

pg_noinline void refuse_lost_context() {
    refuse(Guarding::refuse,
           {.sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
            .message = "the tenant context of this transaction was taken away",
            .detail = "The transaction authenticated, and afterwards the setting "
                      "\"tenant_guard.tenant_id\" was reset.",
            .hint = "Roll back, and call tenant_guard.authenticate(jwt) again.",
            .object = "tenant_guard.tenant_id"});
}

}  // namespace

Guarding judge_guarding() {
    if (context::is_lost()) refuse_lost_context();
    const context::TenantContext* tenant = context::current();
    const bool has_context = tenant != nullptr;
    // What changes meanwhile is not in it.
    const state::Answer asked{pg::verdict_basis(), has_context ? tenant->serial() : 0, GetSessionUserId(), GetOuterUserId(),
                              setting->source, Guarding::none};
    Guarding result = Guarding::none;
    if (is_concerned(has_context)) {
        const Effective now = effective();
        result = guarding_of(now, has_context);
        if (result != Guarding::none && has_changed_role(now)) {
            refuse_changed_role(result);
            return result;  // under `warn`, to be said each time
        }
    }
    state::last = asked;
    state::last.guarding = result;
    return result;
}

Guarding guarding() {
    pg::take_in_foreign_changes();
    return guarding_as_known();
}

Guarding guarding_if_authenticated() { return guarding_of(effective(), true); }

Guarding guarding_beyond_relations() {
    return context::current() || context::is_lost() || is_held_to_rules(effective()) ? guarding()
                                                                                    : Guarding::none;
}

bool is_named_role() { return effective().is_named; }

void install_mode() {
    DefineCustomEnumVariable(
        setting_name, "Sets which transactions the guard checks.",
        "off, warn (log what always would refuse), authenticated (transactions that authenticated) "
        "or always (every transaction of the role).",
        &enforce_setting, static_cast<int>(Enforcement::authenticated), enforce_options, PGC_SUSET, 0,
        nullptr, on_setting_change, nullptr);
    setting = pg::find_setting(setting_name);
    CacheRegisterSyscacheCallback(AUTHOID, on_role_change, Datum{0});
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, on_role_change, Datum{0});
    pg::on_relation_changes(on_relation_change);
}

}  // namespace tg::enforcement
