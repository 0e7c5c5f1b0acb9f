// See the header. The server marks the time in which it runs such a query (SECURITY_NOFORCE_RLS), and
// runs nothing but this one query in it: the first that starts is the server's, and all that start until
// it has ended are not.
#include "guard/foreign_key_query.h"

#include "pg/compat.h"

namespace tg::guard {

namespace {

bool runs = false;

}  // namespace

bool is_foreign_key_query() { return InNoForceRLSOperation() && !runs; }

// The end of its memory is the end of the query, whether it succeeds or fails.
void note_started_plan(const QueryDesc* query) {
    if (!is_foreign_key_query()) return;
    const MemoryContext memory = query->estate->es_query_cxt;
    auto* at_end = static_cast<MemoryContextCallback*>(MemoryContextAlloc(memory, sizeof(MemoryContextCallback)));
    at_end->func = [](void*) { runs = false; };
    at_end->arg = nullptr;
    MemoryContextRegisterResetCallback(memory, at_end);
    runs = true;
}

bool is_unforced_on_owner(Oid relation, Oid role) {
    return InNoForceRLSOperation() && !has_bypassrls_privilege(role) && pg::is_owner(relation, role);
}

}  // namespace tg::guard
