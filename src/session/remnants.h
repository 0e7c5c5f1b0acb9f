// What an earlier user left on the connection: temporary objects that shadow names, a changed
// search_path, held cursors, prepared statements made in SQL. authenticate() refuses such a session,
// or cleans it, because the names that the next tenant's statements use would mean something else.
#pragma once

#include "pg/server.h"

namespace tg::session {

// Remembers names that PREPARE and DECLARE ... WITH HOLD make, whoever runs them.
void note_remnant(const Node* statement);

// Refuses or cleans (tenant_guard.session_state) what is left on the session. Reads only its own
// memory unless the session has a temporary schema.
void check_remnants();

// Whether tenant_guard.session_state is `reset`.
bool resets_session();

// Each drops what it says, whoever made it.
void drop_prepared_in_sql();
void drop_held_cursors();
void drop_temporary_objects();

void install_remnants();

}  // namespace tg::session
