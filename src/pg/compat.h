// Differences between the supported majors, each with the upstream change that made it. Nothing else
// in the tree looks at PG_VERSION_NUM.
#pragma once

#include "pg/server.h"

extern "C" {
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/guc_tables.h"
}

// 9324c8c5809 (18): PG_MODULE_MAGIC_EXT carries the module's name and version.
#if PG_VERSION_NUM >= 180000
#define TG_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "tenant_guard", .version = TG_VERSION)
#else
#define TG_MODULE_MAGIC PG_MODULE_MAGIC
#endif

// 3eea7a0c97e (18): ExecutorRun() lost execute_once.
#if PG_VERSION_NUM >= 180000
#define TG_EXECUTOR_RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count
#define TG_EXECUTOR_RUN_ARGUMENTS query, direction, count
#else
#define TG_EXECUTOR_RUN_PARAMETERS \
    QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define TG_EXECUTOR_RUN_ARGUMENTS query, direction, count, execute_once
#endif

namespace tg::pg {

// A relation that a statement touches, and as whom.
struct RelationAccess {
    Oid relation;
    Oid role;  // as whom it is read: a view's owner, or the current user
    AclMode permissions;
    const Bitmapset* columns;  // that are read, counted from FirstLowInvalidHeapAttributeNumber
    bool is_by_view;           // named by a view, policy or rule and not by the statement itself
};

#if PG_VERSION_NUM >= 160000

// a61b1f74823 (16): permissions moved from the range table to RTEPermissionInfo.
using AccessEntry = RTEPermissionInfo;

inline List* access_entries(const PlannedStmt* statement) { return statement->permInfos; }

inline List* access_entries(const Query* query) { return query->rteperminfos; }

inline bool is_access(const void* entry) { return static_cast<const RTEPermissionInfo*>(entry)->requiredPerms != 0; }

// `user` is the current one.
inline bool read_access(const void* entry, Oid user, RelationAccess& out) {
    const auto* info = static_cast<const RTEPermissionInfo*>(entry);
    if (!is_access(entry)) return false;
    out = {info->relid, OidIsValid(info->checkAsUser) ? info->checkAsUser : user,
           info->requiredPerms, info->selectedCols, OidIsValid(info->checkAsUser)};
    return true;
}

inline bool read_access(const Query* query, const RangeTblEntry* entry, Oid user, RelationAccess& out) {
    if (entry->perminfoindex == 0) return false;
    return read_access(list_nth(query->rteperminfos, static_cast<int>(entry->perminfoindex) - 1), user, out);
}

template <bool (*check)(List* entries, bool may_raise)>
struct CheckPermissionsHook {
    static inline ExecutorCheckPerms_hook_type next = nullptr;
    static bool run(List*, List* permissions, bool may_raise) { return check(permissions, may_raise); }
    static bool run_after_next(List* range_table, List* permissions, bool may_raise) {
        return next(range_table, permissions, may_raise) && check(permissions, may_raise);
    }
    static void install() {
        next = ExecutorCheckPerms_hook;
        ExecutorCheckPerms_hook = next ? run_after_next : run;
    }
};

#else

using AccessEntry = RangeTblEntry;

inline List* access_entries(const PlannedStmt* statement) { return statement->rtable; }
inline List* access_entries(const Query* query) { return query->rtable; }

// Children that the planner expanded carry no permissions: their parent's entry speaks for them.
inline bool is_access(const void* entry) {
    const auto* rte = static_cast<const RangeTblEntry*>(entry);
    return rte->rtekind == RTE_RELATION && rte->requiredPerms != 0;
}

inline bool read_access(const void* entry, Oid user, RelationAccess& out) {
    const auto* rte = static_cast<const RangeTblEntry*>(entry);
    if (!is_access(entry)) return false;
    out = {rte->relid, OidIsValid(rte->checkAsUser) ? rte->checkAsUser : user,
           rte->requiredPerms, rte->selectedCols, OidIsValid(rte->checkAsUser)};
    return true;
}

inline bool read_access(const Query*, const RangeTblEntry* entry, Oid user, RelationAccess& out) {
    return read_access(entry, user, out);
}

template <bool (*check)(List* entries, bool may_raise)>
struct CheckPermissionsHook {
    static inline ExecutorCheckPerms_hook_type next = nullptr;
    static bool run(List* range_table, bool may_raise) { return check(range_table, may_raise); }
    static bool run_after_next(List* range_table, bool may_raise) {
        return next(range_table, may_raise) && check(range_table, may_raise);
    }
    static void install() {
        next = ExecutorCheckPerms_hook;
        ExecutorCheckPerms_hook = next ? run_after_next : run;
    }
};

#endif

inline bool read_access(const void* entry, RelationAccess& out) { return read_access(entry, GetUserId(), out); }

// Whether the plan has a relation in it.
inline bool reads_relations(const PlannedStmt* statement) {
    ListCell* cell;
    foreach (cell, access_entries(statement))
        if (is_access(lfirst(cell))) return true;
    return false;
}

// 1c27d16e6e5 (16): callbacks of tree walkers have a type with arguments.
#if PG_VERSION_NUM >= 160000
using TreeWalker = tree_walker_callback;
#else
using TreeWalker = bool (*)();
#endif
// By way of the type that is compatible with all others for the compiler.
inline TreeWalker tree_walker(bool (*walker)(Node*, void*)) {
    return reinterpret_cast<TreeWalker>(reinterpret_cast<void (*)()>(walker));
}

// 407b50f2d42 (16): GUC_NO_RESET; and `extra` moved from malloc to guc_malloc.
#if PG_VERSION_NUM >= 160000
constexpr int guc_no_reset = GUC_NO_RESET;
inline void* setting_alloc(std::size_t size) { return guc_malloc(LOG, size); }
inline void setting_free(void* memory) { guc_free(memory); }
#else
constexpr int guc_no_reset = 0;
inline void* setting_alloc(std::size_t size) { return malloc(size); }
inline void setting_free(void* memory) { free(memory); }
#endif

// 3057465acfb (16): the settings moved into a hash table and get_guc_variables() counts them.
inline std::span<config_generic* const> all_settings() {
#if PG_VERSION_NUM >= 160000
    int count = 0;
    config_generic** settings = get_guc_variables(&count);
#else
    config_generic** settings = get_guc_variables();
    const int count = GetNumConfigOptions();
#endif
    return {settings, static_cast<std::size_t>(count)};
}


// The server's record of a setting. It stays where it is for the life of the backend: look it up once.
inline const config_generic* find_setting(std::string_view name) {
    for (const config_generic* setting : all_settings())
        if (name == setting->name) return setting;
    return nullptr;
}

inline bool is_owner(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    // afbfc02983f (16): pg_class_ownercheck() became object_ownercheck().
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

}  // namespace tg::pg
