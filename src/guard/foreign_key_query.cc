// See the header. The server marks the time in which it runs such a query (SECURITY_NOFORCE_RLS), and
// runs nothing but this one query in it: the first that starts is the server's, and all that start until
// it has ended are not.
#include "guard/foreign_key_query.h"

#include "context/tenant_context.h"
#include "pg/compat.h"

namespace tg::guard {

using state::foreign_key_query;

namespace {

void hide_row(void*) {
    if (ERRCODE_TO_CATEGORY(geterrcode()) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
        errdetail("A foreign key's action changes the row, which may be another tenant's.");
}

void forget(void*) {
    if (error_context_stack == &foreign_key_query->on_error)
        error_context_stack = foreign_key_query->on_error.previous;
    foreign_key_query = nullptr;
}

}  // namespace

bool is_foreign_key_query(const QueryDesc* query) {
    return foreign_key_query && foreign_key_query->query == query;
}

void note_started_plan(const QueryDesc* query) {
    if (!is_foreign_key_query()) return;
    const MemoryContext memory = query->estate->es_query_cxt;
    foreign_key_query =
        static_cast<state::ForeignKeyQuery*>(MemoryContextAllocZero(memory, sizeof(state::ForeignKeyQuery)));
    foreign_key_query->query = query;
    foreign_key_query->at_end.func = forget;
    MemoryContextRegisterResetCallback(memory, &foreign_key_query->at_end);
    // A guarded transaction has no such time but for a trigger, which runs its query to the end at once.
    if (!context::current()) return;
    foreign_key_query->on_error.callback = hide_row;
    foreign_key_query->on_error.previous = error_context_stack;
    error_context_stack = &foreign_key_query->on_error;
}

bool is_unforced_on_owner(Oid relation, Oid role) {
    return InNoForceRLSOperation() && !has_bypassrls_privilege(role) && pg::is_owner(relation, role);
}

}  // namespace tg::guard
