// Reading a relation on which row security is impossible through the view that secure_view() made for it.
#pragma once

#include "pg/compat.h"

namespace tg::guard {

// Whether the statement with these entries reads the relation through its secure view and in no other way.
bool is_read_through_secure_view(const pg::RelationAccess& access, List* entries);

}  // namespace tg::guard
