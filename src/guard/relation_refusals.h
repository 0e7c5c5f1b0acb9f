// What is said of a relation that a guarded statement may not touch: why, and what would mend it.
#pragma once

#include "enforcement/mode.h"
#include "pg/compat.h"
#include "policy/relation_class.h"

namespace tg::guard {

// The relation's name with its schema, quoted where needed.
const char* qualified_name(Oid relation);

// Refuses the access to a relation of this class. `name` is its qualified name.
void refuse_access(enforcement::Guarding guarding, policy::RelationClass found,
                   const pg::RelationAccess& access, const char* name);

}  // namespace tg::guard
