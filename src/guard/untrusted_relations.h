// Catalogs for untrusted transactions: reduced to what the role can read. The views of information_schema
// show what the role has rights on; the catalogs themselves show everything to everybody.
#pragma once

#include "enforcement/mode.h"
#include "pg/compat.h"
#include "policy/relation_class.h"

namespace tg::guard {

// Whether `access` to a relation of this class was refused (or logged, under `warn`).
bool refuses_untrusted_relation(const pg::RelationAccess& access, policy::RelationClass found);

}  // namespace tg::guard
