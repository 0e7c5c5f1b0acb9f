// See the header. The list is data with a reason for each entry, and the reason is the DETAIL. A name
// that ends in '*' stands for every function that starts so. Names are looked up in pg_catalog, and
// in any schema for what extensions bring.
#include "guard/function_rules.h"

#include "core/bytes.h"
#include "enforcement/mode.h"
#include "enforcement/profile.h"
#include "enforcement/refusal.h"
#include "guard/setting_rules.h"
#include "pg/function.h"
#include "session/undoing.h"
#include "guard/untrusted_functions.h"

extern "C" {
#include "catalog/objectaccess.h"
#include "catalog/pg_language.h"
#include "utils/hsearch.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::refuse;

constexpr const char* other_sessions = "It shows what other sessions are doing.";
constexpr const char* disturbs = "It disturbs other sessions.";
constexpr const char* statistics = "It counts rows and accesses of every tenant.";
constexpr const char* sizes = "The size covers the rows of every tenant.";
constexpr const char* activity = "It shows when and how much other tenants write.";
constexpr const char* files = "It reaches files of the server.";
constexpr const char* large_objects = "Large objects have no tenant.";
constexpr const char* session_locks = "The lock would stay on the connection for its next user.";
constexpr const char* session_setting = "The setting would stay on the connection for its next user.";
constexpr const char* random_seed = "It would let who called it predict random() for the next user of the connection.";
constexpr const char* sequences = "It shows or changes what other tenants' rows are numbered with.";
constexpr const char* other_servers = "It reaches another server, or this one past the guard.";
constexpr const char* replication = "It reaches the change stream of every tenant.";
constexpr const char* pages = "It shows pages that hold rows of every tenant.";
constexpr const char* administration = "It administers the server.";

struct FunctionRule {
    std::string_view name;
    const char* why;
};

constexpr FunctionRule function_rules[] = {
    {"pg_stat_file", files},
    {"pg_stat_get_activity", other_sessions},
    {"pg_stat_get_backend_*", other_sessions},
    {"pg_stat_get_progress_info", other_sessions},
    {"pg_stat_get_wal_senders", other_sessions},
    {"pg_lock_status", other_sessions},
    {"pg_blocking_pids", other_sessions},
    {"pg_safe_snapshot_blocking_pids", other_sessions},
    {"pg_isolation_test_session_is_blocked", other_sessions},
    {"pg_prepared_xact", other_sessions},
    {"pg_prepared_statement", "It shows statements that earlier users of the connection prepared."},
    {"pg_stat_statements*", other_sessions},
    {"pg_qualstats*", "It shows values that other tenants' queries compare with."},
    {"pg_stat_kcache*", other_sessions},
    {"pg_wait_sampling_*", other_sessions},
    {"pldbg_*", other_sessions},
    {"pl_profiler_*", other_sessions},
    {"hypopg*", "What it makes stays on the connection and changes the plans of its next user."},
    {"pg_notification_queue_usage", other_sessions},
    {"pg_get_aios", other_sessions},
    {"pg_old_snapshot_time_mapping", other_sessions},
    {"pgrowlocks", other_sessions},
    {"pg_cancel_backend", disturbs},
    {"pg_terminate_backend", disturbs},
    {"pg_log_backend_memory_contexts", disturbs},
    {"pg_stat_*", statistics},
    {"pg_mcv_list_items", statistics},
    {"pg_restore_*_stats", statistics},
    {"pg_clear_*_stats", statistics},
    {"pgstat*", statistics},
    {"pg_relation_size", sizes},
    {"pg_table_size", sizes},
    {"pg_total_relation_size", sizes},
    {"pg_indexes_size", sizes},
    {"pg_database_size", sizes},
    {"pg_tablespace_size", sizes},
    {"pg_current_wal_*", activity},
    {"pg_last_wal_*", activity},
    {"pg_last_xact_replay_timestamp", activity},
    {"pg_last_committed_xact", activity},
    {"pg_xact_commit_timestamp*", activity},
    {"pg_xact_status", activity},
    {"pg_get_multixact_members", activity},
    {"pg_control_*", activity},
    {"currtid*", "It tells whether a row of another tenant is at a place."},
    {"txid_status", activity},
    {"pg_read_*", files},
    {"pg_ls_*", files},
    {"pg_file_*", files},
    {"pg_logdir_ls", files},
    {"pg_current_logfile", files},
    {"pg_hba_file_rules", files},
    {"pg_ident_file_mappings", files},
    {"pg_show_all_file_settings", files},
    {"pg_relation_filepath", files},
    {"lo_*", large_objects},
    {"loread", large_objects},
    {"lowrite", large_objects},
    {"has_largeobject_privilege", large_objects},
    {"pg_advisory_lock", session_locks},
    {"pg_advisory_lock_shared", session_locks},
    {"pg_try_advisory_lock", session_locks},
    {"pg_try_advisory_lock_shared", session_locks},
    {"set_limit", session_setting},
    {"isn_weak", session_setting},
    {"setseed", random_seed},
    {"setval", sequences},
    {"pg_sequence_last_value", sequences},
    {"pg_get_sequence_data", sequences},
    {"dblink*", other_servers},
    {"postgres_fdw_*", other_servers},
    {"pg_logical_*", replication},
    {"pg_get_logical_snapshot_*", replication},
    {"pg_create_*_slot", replication},
    {"pg_copy_*_slot", replication},
    {"pg_drop_replication_slot", replication},
    {"pg_replication_*", replication},
    {"pg_get_replication_slots", replication},
    {"pg_show_replication_origin_status", replication},
    {"pg_export_snapshot", replication},
    {"get_raw_page", pages},
    {"heap_page_*", pages},
    {"bt_page_*", pages},
    {"bt_metap", pages},
    {"bt_multi_page_stats", pages},
    {"pg_buffercache*", pages},
    {"pg_visibility*", pages},
    {"pg_freespace", pages},
    {"pg_get_wal_*", pages},
    {"pg_available_wal_summaries", pages},
    {"pg_wal_summary_contents", pages},
    {"fsm_page_contents", pages},
    {"gin_leafpage_items", pages},
    {"gin_metapage_info", pages},
    {"gin_page_opaque_info", pages},
    {"gist_page_*", pages},
    {"hash_bitmap_info", pages},
    {"hash_metapage_info", pages},
    {"hash_page_*", pages},
    {"page_checksum*", pages},
    {"page_header", pages},
    {"tuple_data_split", pages},
    {"heap_tuple_infomask_flags", pages},
    {"pg_check_frozen", pages},
    {"pg_check_visible", pages},
    {"pg_relpages*", sizes},
    {"bt_index_check", pages},
    {"bt_index_parent_check", pages},
    {"gin_index_check", pages},
    {"verify_heapam", pages},
    {"pg_prewarm", disturbs},
    {"autoprewarm_*", disturbs},
    {"heap_force_*", disturbs},
    {"pg_truncate_visibility_map*", disturbs},
    {"pg_log_standby_snapshot", disturbs},
    {"pg_reload_conf", administration},
    {"pg_rotate_logfile*", administration},
    {"pg_switch_wal", administration},
    {"pg_create_restore_point", administration},
    {"pg_backup_*", administration},
    {"pg_promote", administration},
    {"pg_wal_replay_*", administration},
    {"pg_get_backend_memory_contexts", administration},
    {"pg_get_shmem_allocations*", administration},
    {"brin_*", administration},
    {"gin_clean_pending_list", administration},
    {"binary_upgrade_*", administration},
    {"pg_import_system_collations", administration},
    {"pg_nextoid", administration},
    {"pg_stop_making_pinned_objects", administration},
    {"pg_sync_replication_slots", replication},
};

// They share the generator of the session. From a few of its values all others follow, earlier and later ones.
constexpr std::string_view drawing_functions[] = {"random", "random_normal", "array_sample", "array_shuffle"};

bool matches(std::string_view pattern, std::string_view name) {
    const std::size_t star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == name;
    const std::string_view tail = without_first(pattern, star + 1);
    return name.size() >= star + tail.size() && has_prefix(name, first_of(pattern, star)) &&
           has_suffix(name, tail);
}

enum class Verdict : uint8 { allowed, refused, set_config, draws };

struct Entry {
    Oid function;  // the hash key
    Verdict verdict;
    const char* why;
};

HTAB* entries = nullptr;
object_access_hook_type next_access = nullptr;

// Functions that were found allowed, each where its OID puts it: every operator of every plan is asked
// about, and a look-up in the table would be a measurable part of the shortest statements.
std::array<Oid, 512> allowed;

Oid& allowed_slot(Oid function) { return allowed[function % allowed.size()]; }

Entry look_up(Oid function) {
    Entry found{function, Verdict::allowed, nullptr};
    const HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) return found;
    const auto* form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    const std::string_view name{NameStr(form->proname)};
    // A client's own function may be called like one of these; C functions are what extensions bring.
    const bool is_foreign_code =
        form->pronamespace == PG_CATALOG_NAMESPACE || form->prolang == ClanguageId;
    if (is_foreign_code && name == "set_config") found.verdict = Verdict::set_config;
    if (form->pronamespace == PG_CATALOG_NAMESPACE)
        for (const std::string_view drawing : drawing_functions)
            if (drawing == name) found.verdict = Verdict::draws;
    if (is_foreign_code && found.verdict == Verdict::allowed)
        for (const FunctionRule& rule : function_rules)
            if (matches(rule.name, name)) {
                found.verdict = Verdict::refused;
                found.why = rule.why;
                break;
            }
    ReleaseSysCache(tuple);
    return found;
}

Entry entry_of(Oid function) {
    if (!entries) {
        HASHCTL control{};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(Entry);
        entries = hash_create("tenant_guard functions", 256, &control, HASH_ELEM | HASH_BLOBS);
    }
    if (const auto* known =
            static_cast<const Entry*>(hash_search(entries, &function, HASH_FIND, nullptr)))
        return *known;
    const Entry found = look_up(function);
    *static_cast<Entry*>(hash_search(entries, &function, HASH_ENTER, nullptr)) = found;
    return found;
}

void forget(Datum, int, uint32) {
    allowed.fill(InvalidOid);
    if (!entries) return;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, entries);
    while (auto* entry = static_cast<Entry*>(hash_seq_search(&scan)))
        hash_search(entries, &entry->function, HASH_REMOVE, nullptr);
}

void check_function(Oid function) {
    const Entry entry = entry_of(function);
    if (entry.verdict == Verdict::allowed) {
        allowed_slot(function) = function;
        return;
    }
    const Guarding mode = enforcement::guarding_beyond_relations();
    if (mode == Guarding::none) return;
    if (entry.verdict == Verdict::set_config) return note_set_config();
    if (entry.verdict == Verdict::draws) return note_draw();
    const char* name = get_func_name(function);
    const bool is_lock = entry.why == session_locks;
    if (is_lock && session::is_undone_at_end(mode, session::Remnant::advisory_lock)) return;
    refuse(mode, {.message = psprintf("function \"%s\" is not allowed in a guarded transaction",
                                      name ? name : "?"),
                  .detail = entry.why,
                  .hint = is_lock ? "Use pg_advisory_xact_lock() or pg_try_advisory_xact_lock()."
                                  : "Call it as an administrator, outside guarded transactions.",
                  .object = name});
}

// Kept apart, so that the common way through the hook stays a few instructions.
pg_noinline void check_execution(Oid function) {
    check_function(function);
    if (enforcement::is_untrusted()) check_untrusted_function(function);
}

void on_access(ObjectAccessType access, Oid, Oid object, int, void*) {
    if (access != OAT_FUNCTION_EXECUTE) return;
    if (allowed_slot(object) != object || enforcement::is_untrusted()) check_execution(object);
}

void on_access_after_next(ObjectAccessType access, Oid class_id, Oid object, int sub_object, void* argument) {
    next_access(access, class_id, object, sub_object, argument);
    on_access(access, class_id, object, sub_object, argument);
}

}  // namespace

const char* why_refused(Oid function) {
    const Entry found = look_up(function);
    return found.verdict == Verdict::refused ? found.why : nullptr;
}

void install_function_rules() {
    next_access = object_access_hook;
    object_access_hook = next_access ? on_access_after_next : on_access;
    CacheRegisterSyscacheCallback(PROCOID, forget, Datum{0});
}

}  // namespace tg::guard

// The reason why guarded transactions are refused a function; NULL if they are not.
TG_FUNCTION(tenant_guard_why_refused) {
    const char* why = tg::guard::why_refused(PG_GETARG_OID(0));
    if (!why) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(why));
}
