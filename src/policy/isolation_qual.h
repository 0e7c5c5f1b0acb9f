// The isolation condition, `tenant column = tenant_guard.tenant_id...()` and what restrict_by_attribute() added, as an
// expression. protect()
// writes it as a policy; the server-side hook adds it where that policy was dropped or changed, so
// that no DDL takes the isolation away.
#pragma once

#include "pg/server.h"

namespace tg::policy {

// Names in pg_policy. The access policy is the permissive one that protect() adds where none is.
inline constexpr std::string_view isolation_policy_name = "tenant_guard_isolation";
inline constexpr std::string_view access_policy_name = "tenant_guard_access";

struct Declaration;

// The reader of the context for a column of this type; null for a type that tenant columns cannot have.
const char* tenant_function(Oid type);

// Whether the relation carries the restrictive policy, for all commands and everybody, with exactly
// the isolation condition that follows from the declaration.
bool is_isolation_policy_intact(Relation relation, const Declaration& declared);

// Whether a condition on the relation, whose columns are those of range table entry 1, is exactly the isolation condition.
bool is_isolation_condition(Relation relation, const Declaration& declared, const Node* condition);

// Whether the condition of a CREATE POLICY is that of the tenant AND something else, and so shows no row more.
bool is_narrowed_isolation(Relation relation, const Node* condition);

// Installs the row-security hook that adds the condition to protected relations without it.
void install_floor();

}  // namespace tg::policy
