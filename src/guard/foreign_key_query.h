// Which query is the server's own, of a foreign key. It runs as the owner of a table, without forced row
// security, and must see every tenant's rows. What it evaluates on the way - checks, defaults, generated
// columns, BEFORE triggers - is somebody's code, and the queries of that are not the server's. Nor may its
// errors quote a row: the server does that to an owner on whom row security is not forced.
#pragma once

#include "pg/server.h"

extern "C" {
#include "executor/execdesc.h"
}

namespace tg::guard {

namespace state {
// Lives in the query's own memory, whose end is the end of the query, whether it succeeds or fails.
struct ForeignKeyQuery {
    const QueryDesc* query;
    ErrorContextCallback on_error;
    MemoryContextCallback at_end;
};
inline ForeignKeyQuery* foreign_key_query = nullptr;  // the one that runs
}  // namespace state

// Whether what is planned or started now is a query of a foreign key itself.
inline bool is_foreign_key_query() { return InNoForceRLSOperation() && !state::foreign_key_query; }

// The same of a query that has been started.
bool is_foreign_key_query(const QueryDesc* query);

// To be called when any plan has been started: from here to its end it evaluates somebody's code.
void note_started_plan(const QueryDesc* query);

// Whether the server does not force row security on this role as the owner of the relation at the moment,
// and would otherwise.
bool is_unforced_on_owner(Oid relation, Oid role);

}  // namespace tg::guard
