// See the header, and pg/shared_table.h for the locking: authenticate() counts here once per transaction,
// under a shared lock.
#include "audit/tenant_activity.h"

#include "pg/function.h"
#include "pg/shared_table.h"
#include "pg/text.h"

extern "C" {
#include "funcapi.h"
}

namespace tg::audit {

namespace {

struct Key {
    Oid database;
    uint32 size;
    char tenant[256];  // a tenant id has at most 255 bytes; empty stands for all that found no room
};

constexpr int activity_count = 4;

struct Entry {
    Key key;
    uint64 counts[activity_count];  // in the order of Activity
    int64 first_seen;               // TimestampTz
    int64 last_seen;
};

constexpr long capacity = 4096;
constexpr long reserve_for_others = 64;  // one row for each database

pg::SharedTable table{.name = "tenant_guard tenants",
                      .key_size = sizeof(Key),
                      .entry_size = sizeof(Entry),
                      .capacity = capacity};

bool count(std::string_view tenant, Activity activity, long reserve) {
    Key key;
    std::memset(&key, 0, sizeof key);
    key.database = MyDatabaseId;
    if (tenant.size() >= sizeof key.tenant) return false;
    key.size = static_cast<uint32>(tenant.size());
    std::memcpy(key.tenant, tenant.data(), tenant.size());
    const TimestampTz now = GetCurrentTimestamp();
    return pg::change_entry<Entry>(
        table, key, reserve, [now](Entry& entry) { entry.first_seen = now; },
        [now, activity](Entry& entry) {
            pg::count_up(entry.counts[static_cast<int>(activity)]);
            pg::store(entry.last_seen, now);
        });
}

}  // namespace

void count_activity(std::string_view tenant, Activity activity) {
    if (tenant.empty()) return;
    if (count(tenant, activity, reserve_for_others)) return;
    if (!count({}, activity, 0)) pg::count_left_out(table);
}

void install_tenant_activity() { pg::add_shared_table(table); }

}  // namespace tg::audit

// SETOF (tenant text, transactions bigint, statements_refused bigint, statements_would_be_refused bigint,
// tokens_refused bigint, first_seen timestamptz, last_seen timestamptz) of this database. The row whose
// tenant is NULL is for all that found no room.
TG_FUNCTION(tenant_guard_tenant_counts) {
    using namespace tg::audit;
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    const tg::pg::SharedTableCopy copy = tg::pg::copy_of(table);
    const std::span entries{reinterpret_cast<const Entry*>(copy.entries),
                            static_cast<std::size_t>(copy.count)};
    for (const Entry& entry : entries) {
        if (entry.key.database != MyDatabaseId) continue;
        Datum values[3 + activity_count];
        bool nulls[3 + activity_count] = {entry.key.size == 0};
        values[0] = PointerGetDatum(tg::pg::text_of({entry.key.tenant, entry.key.size}));
        for (int i = 0; i < activity_count; i++)
            values[1 + i] = Int64GetDatum(static_cast<int64>(entry.counts[i]));
        values[1 + activity_count] = TimestampTzGetDatum(entry.first_seen);
        values[2 + activity_count] = TimestampTzGetDatum(entry.last_seen);
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return Datum{0};
}

TG_FUNCTION(tenant_guard_reset_stat_tenants) {
    tg::pg::empty(tg::audit::table, MyDatabaseId);
    PG_RETURN_VOID();
}
