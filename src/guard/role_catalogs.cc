// See the header.
#include "guard/role_catalogs.h"

#include "pg/compat.h"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_db_role_setting.h"
}

namespace tg::guard {

namespace {

struct RoleView {
    const char* name;
    const char* settings;
};

// Each reads the settings once, pg_user by way of pg_shadow.
constexpr RoleView role_views[] = {{"pg_roles", "rolconfig"}, {"pg_user", "useconfig"}};

bool is_asked_for(AttrNumber column, const Bitmapset* columns) {
    return bms_is_member(column - FirstLowInvalidHeapAttributeNumber, columns);
}

enum class Reading { something_else, role_view, role_view_with_settings };

Reading reading_of(const pg::RelationAccess& access) {
    for (const RoleView& view : role_views) {
        if (access.relation != get_relname_relid(view.name, PG_CATALOG_NAMESPACE)) continue;
        // A whole-row reference is column 0.
        const bool shows = is_asked_for(get_attnum(access.relation, view.settings), access.columns) ||
                           is_asked_for(InvalidAttrNumber, access.columns);
        return shows ? Reading::role_view_with_settings : Reading::role_view;
    }
    return Reading::something_else;
}

}  // namespace

bool hides_role_settings(List* entries) {
    int views = 0, catalogs = 0;
    ListCell* cell;
    foreach (cell, entries) {
        pg::RelationAccess access;
        if (!pg::read_access(lfirst(cell), access)) continue;
        if (access.relation == DbRoleSettingRelationId) {
            catalogs++;
            continue;
        }
        const Reading reading = reading_of(access);
        if (reading == Reading::role_view_with_settings) return false;
        views += reading == Reading::role_view;
    }
    // One more is somebody else's look at it.
    return catalogs <= views;
}

}  // namespace tg::guard
