// What restrict_by_attribute() adds to the isolation of a relation: that a column has one of the values of a
// user attribute. As for derived_condition, it is SQL that is made anew from what was declared.
#pragma once

#include "pg/server.h"

namespace tg::policy {

// `column = ANY (tenant_guard.attribute_...('name'))` for each restriction of the relation, as C strings in the order of
// the declarations. False if one cannot be made, because its column is gone or has another type now.
bool attribute_conditions(Oid relation, List*& out);

// Whether a restriction of the relation is by this column.
bool is_restricted_column(Oid relation, const char* column);

}  // namespace tg::policy
