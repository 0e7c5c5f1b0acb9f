// Names of temporary tables. Each is the name of a row type as well, and types are looked up in pg_temp
// before all else, whatever search_path says: in functions of the application too, and PL/pgSQL remembers
// for the rest of the session which type a name stood for.
#pragma once

#include "pg/server.h"

namespace tg::guard {

// The type, not of a table's rows, that a temporary table of this name would hide; null if there is none.
const char* type_hidden_by(const char* name);

}  // namespace tg::guard
