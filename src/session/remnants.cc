// See the header.
#include "session/remnants.h"

#include "context/tenant_context.h"
#include "enforcement/mode.h"
#include "enforcement/refusal.h"
#include "pg/compat.h"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "utils/guc_tables.h"
#include "utils/portal.h"
}

namespace tg::session {

namespace {

using enforcement::Guarding;
using enforcement::refuse;

enum class SessionState : int { refuse, reset };

int session_state_setting = static_cast<int>(SessionState::refuse);

const config_enum_entry session_state_options[] = {
    {"refuse", static_cast<int>(SessionState::refuse), false},
    {"reset", static_cast<int>(SessionState::reset), false},
    {nullptr, 0, false},
};

// Names made in SQL that may still exist. Char pointers in TopMemoryContext.
List* prepared_names = NIL;
List* held_cursor_names = NIL;

void remember(List*& names, const char* name) {
    const MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
    names = lappend(names, pstrdup(name));
    MemoryContextSwitchTo(before);
}

bool is_prepared_in_sql(const char* name) {
    const PreparedStatement* statement = FetchPreparedStatement(name, false);
    return statement && statement->from_sql;
}

bool is_held_cursor(const char* name) {
    const PortalData* portal = GetPortalByName(name);
    return portal && (portal->cursorOptions & CURSOR_OPT_HOLD);
}

// Drops the names that no longer exist and returns one that does, or null.
const char* first_existing(List*& names, bool (*exists)(const char*)) {
    while (names != NIL) {
        auto* name = static_cast<char*>(linitial(names));
        if (exists(name)) return name;
        pfree(name);
        names = list_delete_first(names);
    }
    return nullptr;
}

// Whether the session's temporary schema holds anything that this transaction did not put there:
// tables, views, functions, types or operators, they all depend on the schema.
bool has_old_temporary_object() {
    Oid schema = InvalidOid;
    Oid toast_schema = InvalidOid;
    GetTempNamespaceState(&schema, &toast_schema);
    if (!OidIsValid(schema)) return false;
    Relation depend = table_open(DependRelationId, AccessShareLock);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(NamespaceRelationId));
    ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(schema));
    SysScanDesc scan = systable_beginscan(depend, DependReferenceIndexId, true, nullptr, 2, keys);
    bool found = false;
    HeapTuple tuple;
    while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
        found = !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
    systable_endscan(scan);
    table_close(depend, AccessShareLock);
    return found;
}

// Whether SET changed the search_path for the session; SET LOCAL is the transaction's own business.
bool is_search_path_changed() {
    static const config_generic* const setting = pg::find_setting("search_path");
    if (!setting) return true;
    GucSource source = setting->source;
    for (const GucStack* level = setting->stack; level; level = level->prev) {
        if (level->state == GUC_SET_LOCAL) return true;
        if (level->state == GUC_SET) return source == PGC_S_SESSION;
        source = level->source;
    }
    return source == PGC_S_SESSION;
}

void reset_search_path() {
    set_config_option("search_path", nullptr, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET, true, ERROR,
                      false);
}

void refuse_session(Guarding guarding, const char* detail) {
    refuse(guarding, {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      .message = "the session holds what an earlier user left",
                      .detail = detail,
                      .hint = "Run DISCARD ALL outside a transaction, or set "
                              "\"tenant_guard.session_state\" to \"reset\".",
                      .object = "session"});
}

void clean_session() {
    drop_prepared_in_sql();
    drop_held_cursors();
    if (has_old_temporary_object()) drop_temporary_objects();
    if (is_search_path_changed()) reset_search_path();
}

}  // namespace

bool resets_session() { return session_state_setting == static_cast<int>(SessionState::reset); }

void drop_prepared_in_sql() {
    while (const char* name = first_existing(prepared_names, is_prepared_in_sql))
        DropPreparedStatement(name, false);
}

void drop_held_cursors() {
    while (const char* name = first_existing(held_cursor_names, is_held_cursor))
        PortalDrop(GetPortalByName(name), false);
}

void drop_temporary_objects() { ResetTempTableNamespace(); }

void note_remnant(const Node* statement) {
    if (IsA(statement, PrepareStmt))
        remember(prepared_names, reinterpret_cast<const PrepareStmt*>(statement)->name);
    if (IsA(statement, DeclareCursorStmt)) {
        const auto* declare = reinterpret_cast<const DeclareCursorStmt*>(statement);
        if (declare->options & CURSOR_OPT_HOLD) remember(held_cursor_names, declare->portalname);
    }
}

void check_remnants() {
    // lastval() and currval() would tell what an earlier transaction drew.
    if (!context::current()) ResetSequenceCaches();
    const Guarding mode = enforcement::guarding_if_authenticated();
    if (mode == Guarding::none) return;
    if (mode == Guarding::refuse && resets_session()) return clean_session();
    if (const char* name = first_existing(prepared_names, is_prepared_in_sql))
        refuse_session(mode, psprintf("Statement \"%s\" was prepared in SQL and is still there.", name));
    if (const char* name = first_existing(held_cursor_names, is_held_cursor))
        refuse_session(mode, psprintf("Cursor \"%s\" WITH HOLD is still open.", name));
    if (has_old_temporary_object())
        refuse_session(mode, "Temporary objects of an earlier transaction can shadow the names that "
                             "statements use.");
    if (is_search_path_changed())
        refuse_session(mode, "Parameter \"search_path\" was changed with SET.");
}

void install_remnants() {
    DefineCustomEnumVariable(
        "tenant_guard.session_state",
        "Sets what is done about what would stay on the session, or was left there.",
        "refuse: raises an error. reset: undoes it at the end of the transaction, or cleans it.", &session_state_setting,
        static_cast<int>(SessionState::refuse), session_state_options, PGC_SUSET, 0, nullptr, nullptr,
        nullptr);
}

}  // namespace tg::session
