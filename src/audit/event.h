// One structured line in the server log for each refused token, refused statement and exempt
// crossing. A line never holds a token or a claim beyond tenant and subject.
#pragma once

#include "pg/server.h"

namespace tg::audit {

struct Field {
    const char* name;
    std::string_view value;  // escaped and bounded when written
};

// Writes `tenant_guard event=... name="value" ...` at level LOG, to the server log only. Adds the
// tenant and subject of the transaction. Empty values are left out.
void log_event(const char* event, std::initializer_list<Field> fields);

}  // namespace tg::audit
