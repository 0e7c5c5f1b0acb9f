// See the header.
#include "guard/setting_rules.h"

#include "enforcement/refusal.h"
#include "guard/parsed_settings.h"
#include "pg/compat.h"
#include "session/undoing.h"

extern "C" {
#include "utils/fmgrprotos.h"
#include "utils/guc_tables.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::refuse;

// What drivers and frameworks set on connecting. Where `value` is given, only that one is allowed:
// the others would change how the next tenant's statements are read or logged.
struct SessionSetting {
    const char* name;
    std::initializer_list<const char*> values;
};

const SessionSetting session_settings[] = {
    {"application_name", {}},
    {"bytea_output", {}},
    {"client_encoding", {}},
    {"client_min_messages", {"notice", "warning", "error"}},
    {"DateStyle", {}},
    {"extra_float_digits", {}},
    {"IntervalStyle", {}},
    {"standard_conforming_strings", {"on", "true"}},
    {"TimeZone", {}},
    // These end with the transaction whichever way they are set.
    {"transaction_deferrable", {}},
    {"transaction_isolation", {}},
    {"transaction_read_only", {}},
};

bool set_config_was_called = false;
bool must_reseed = false;
bool must_undo_settings = false;

bool is_session_setting(const char* name, const char* value) {
    for (const SessionSetting& setting : session_settings) {
        if (pg_strcasecmp(setting.name, name) != 0) continue;
        if (setting.values.size() == 0) return true;
        if (!value) return false;
        for (const char* allowed : setting.values)
            if (pg_strcasecmp(allowed, value) == 0) return true;
        return false;
    }
    return false;
}

bool names(const VariableSetStmt* statement, const char* setting) {
    return statement->name && pg_strcasecmp(statement->name, setting) == 0;
}

void refuse_role_change(Guarding guarding, const char* name) {
    refuse(guarding, {.message = psprintf("parameter \"%s\" cannot be set in a guarded transaction", name),
                      .detail = "The role decides which row security applies.",
                      .hint = "Set the role before the transaction authenticates, or log in as it.",
                      .object = name});
}

void refuse_session_setting(Guarding guarding, const char* name) {
    refuse(guarding,
           {.message = psprintf("parameter \"%s\" cannot be set for the session in a guarded "
                                "transaction",
                                name),
            .detail = "The setting would stay on the connection for its next user.",
            .hint = "Use SET LOCAL, or set_config() with true as its third argument.",
            .object = name});
}

// Whether the end of this transaction would leave the setting changed on the session.
bool is_left_on_session(const config_generic* setting) {
    for (const GucStack* level = setting->stack; level; level = level->prev)
        if (level->state == GUC_SET || level->state == GUC_SET_LOCAL) return true;
    return false;
}

// Makes a SET of this transaction a SET LOCAL, after the fact: AtEOXact_GUC() then puts back what was
// there before. A value that SET LOCAL has put over the session's is set for the session first, so that
// only one is left to take away.
void make_local(config_generic* setting) {
    if (setting->stack->state == GUC_SET_LOCAL) {
        const char* value = GetConfigOption(setting->name, true, false);
        set_config_option(setting->name, value, setting->scontext == PGC_SUSET ? PGC_SUSET : PGC_USERSET,
                          PGC_S_SESSION, GUC_ACTION_SET, true, ERROR, false);
    }
    setting->stack->state = GUC_LOCAL;
}

// Under tenant_guard.session_state = reset. RESET ALL and its like, which put back what the connection
// started with, stay done.
void undo_settings_left() {
    for (config_generic* setting : pg::all_settings()) {
        if (!setting->stack || !is_left_on_session(setting)) continue;
        const bool is_masked = setting->stack->state == GUC_SET_LOCAL;
        if (!is_masked && setting->source != PGC_S_SESSION) continue;
        const char* value = is_masked ? nullptr : GetConfigOption(setting->name, true, false);
        if (!is_session_setting(setting->name, value)) make_local(setting);
    }
}

void check_settings_left() {
    const Guarding mode = enforcement::guarding_beyond_relations();
    if (mode == Guarding::none) return;
    if (session::is_undone_at_end(mode, session::Remnant::setting)) {
        if (mode == Guarding::refuse) undo_settings_left();
        return;
    }
    for (const config_generic* setting : pg::all_settings()) {
        if (!is_left_on_session(setting)) continue;
        const bool is_masked = setting->stack->state == GUC_SET_LOCAL;
        const char* value = is_masked ? nullptr : GetConfigOption(setting->name, true, false);
        if (!is_session_setting(setting->name, value)) refuse_session_setting(mode, setting->name);
    }
}

// The seed of random() follows no transaction: SET LOCAL changes it for good.
void refuse_seed(Guarding guarding) {
    refuse(guarding, {.message = "parameter \"seed\" cannot be set in a guarded transaction",
                      .detail = "It would let who set it predict random() for the next user of the "
                                "connection, also if set with SET LOCAL.",
                      .hint = "Use values of your own in place of random().",
                      .object = "seed"});
}

// Whoever set the seed, or saw values from which the state follows, does not know the next seed.
void reseed_random() {
    uint64 bits = 0;
    if (!pg_strong_random(&bits, sizeof bits))
        ereport(WARNING, (errmsg("the seed of random() could not be replaced"),
                          errhint("Close this connection if random() has to be unpredictable.")));
    DirectFunctionCall1(setseed, Float8GetDatum(static_cast<float8>(bits >> 11) / 9007199254740992.0));
}

void on_transaction_event(XactEvent event, void*) {
    switch (event) {
        case XACT_EVENT_PRE_COMMIT:
        case XACT_EVENT_PRE_PREPARE:
            if (set_config_was_called || must_undo_settings) check_settings_left();
            break;
        case XACT_EVENT_COMMIT:
        case XACT_EVENT_ABORT:
        case XACT_EVENT_PREPARE:
            if (must_reseed) reseed_random();
            must_reseed = false;
            set_config_was_called = false;
            must_undo_settings = false;
            break;
        default:
            break;
    }
}

const char* value_text(const VariableSetStmt* statement) {
    return statement->kind == VAR_SET_VALUE && statement->args != NIL
               ? ExtractSetVariableArgs(const_cast<VariableSetStmt*>(statement))
               : nullptr;
}

// Whether SET for the session is let through, to be undone before the commit.
bool is_let_through(Guarding guarding) {
    if (!session::is_undone_at_end(guarding, session::Remnant::setting)) return false;
    must_undo_settings = guarding == Guarding::refuse;
    return true;
}

}  // namespace

void check_context_setting(const VariableSetStmt* statement) {
    if (!names(statement, "tenant_guard.tenant_id")) return;
    refuse(Guarding::refuse,
           {.message = "parameter \"tenant_guard.tenant_id\" cannot be set",
            .detail = "The tenant of a transaction comes from a verified token only.",
            .hint = "Call tenant_guard.authenticate(jwt) in the transaction.",
            .object = "tenant_guard.tenant_id"});
}

void check_setting(Guarding guarding, const VariableSetStmt* statement) {
    note_setting();
    if (names(statement, "role") || names(statement, "session_authorization"))
        return refuse_role_change(guarding, statement->name);
    switch (statement->kind) {
        case VAR_RESET:
        case VAR_RESET_ALL:
        case VAR_SET_DEFAULT:
            return;  // back to what the connection started with
        case VAR_SET_MULTI:
            if (names(statement, "SESSION CHARACTERISTICS") && !is_let_through(guarding))
                refuse(guarding, {.message = "session characteristics cannot be set in a guarded "
                                             "transaction",
                                  .detail = "They would stay on the connection for its next user.",
                                  .hint = "Use SET TRANSACTION.",
                                  .object = "SESSION CHARACTERISTICS"});
            return;
        case VAR_SET_VALUE:
        case VAR_SET_CURRENT:
            if (names(statement, "seed")) return refuse_seed(guarding);
            if (statement->is_local) return;
            if (!is_session_setting(statement->name, value_text(statement)) && !is_let_through(guarding))
                refuse_session_setting(guarding, statement->name);
            return;
    }
}

void note_set_config() {
    note_setting();
    set_config_was_called = true;
    must_reseed = true;  // set_config('seed', ...) leaves no trace
}

void note_draw() { must_reseed = true; }

void install_setting_rules() { RegisterXactCallback(on_transaction_event, nullptr); }

}  // namespace tg::guard
