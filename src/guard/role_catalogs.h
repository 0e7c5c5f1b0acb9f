// pg_roles and pg_user show the settings of every role, from pg_db_role_setting, which no guarded
// transaction may read: people keep secrets there. Tools read these views for names. So the catalog is
// let through where nothing but these views reads it and their column of settings is not asked for.
#pragma once

#include "pg/server.h"

namespace tg::guard {

// Whether that is so for the relations of a statement (pg::access_entries).
bool hides_role_settings(List* entries);

}  // namespace tg::guard
