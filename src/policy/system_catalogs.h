// Which system catalogs tell about other tenants. Everything else in pg_catalog and
// information_schema is allowed: drivers and ORMs introspect it.
#pragma once

#include "pg/server.h"

namespace tg::policy {

bool is_refused_catalog(Oid relation);

// Why, as a full sentence; null for a catalog that is allowed.
const char* why_refused(Oid relation);

bool is_information_schema(Oid schema);

}  // namespace tg::policy
