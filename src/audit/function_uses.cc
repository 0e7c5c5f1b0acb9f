// See the header, and pg/shared_table.h for the locking.
#include "audit/function_uses.h"

#include "pg/function.h"
#include "pg/shared_table.h"

extern "C" {
#include "funcapi.h"
}

namespace tg::audit {

namespace {

struct Key {
    Oid database;
    Oid function;
};

struct Entry {
    Key key;
    uint64 uses;
    int64 last_used;  // TimestampTz
};

pg::SharedTable table{.name = "tenant_guard function uses",
                      .key_size = sizeof(Key),
                      .entry_size = sizeof(Entry),
                      .capacity = 1024};

}  // namespace

void count_function_use(Oid function) {
    const bool is_counted = pg::change_entry<Entry>(
        table, Key{MyDatabaseId, function}, 0, [](Entry&) {},
        [](Entry& entry) {
            pg::count_up(entry.uses);
            pg::store(entry.last_used, GetCurrentTimestamp());
        });
    if (!is_counted) pg::count_left_out(table);
}

void install_function_uses() { pg::add_shared_table(table); }

}  // namespace tg::audit

// SETOF (function oid, uses bigint, last_used timestamptz) of this database.
TG_FUNCTION(tenant_guard_function_uses) {
    using namespace tg::audit;
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    const tg::pg::SharedTableCopy copy = tg::pg::copy_of(table);
    const std::span entries{reinterpret_cast<const Entry*>(copy.entries), static_cast<std::size_t>(copy.count)};
    for (const Entry& entry : entries) {
        if (entry.key.database != MyDatabaseId) continue;
        Datum values[] = {ObjectIdGetDatum(entry.key.function), Int64GetDatum(static_cast<int64>(entry.uses)),
                          TimestampTzGetDatum(entry.last_used)};
        bool nulls[std::size(values)] = {};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return Datum{0};
}
