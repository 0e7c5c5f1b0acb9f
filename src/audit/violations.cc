// See the header, and pg/shared_table.h for the locking. Names come from clients (SET may name any
// parameter), so the last places of the table are kept for rows without an object.
#include "audit/violations.h"

#include "core/bytes.h"
#include "pg/function.h"
#include "pg/shared_table.h"

extern "C" {
#include "funcapi.h"
#include "mb/pg_wchar.h"
}

namespace tg::audit {

namespace {

struct Key {
    Oid database;
    Oid role;
    char is_refused;
    char kind[16];
    char sqlstate[6];
    char object[160];
    char reason[128];
};

struct Entry {
    Key key;
    uint64 count;
    int64 first_seen;  // TimestampTz
    int64 last_seen;
};

constexpr long capacity = 1024;
constexpr long reserve_for_objectless = 128;

pg::SharedTable table{.name = "tenant_guard violations",
                      .key_size = sizeof(Key),
                      .entry_size = sizeof(Entry),
                      .capacity = capacity};

// Cut between characters. `out` is zeroed, and stays terminated.
template <std::size_t size>
void write(std::string_view text, char (&out)[size]) {
    const int length = static_cast<int>(text.size());
    const int kept = length < static_cast<int>(size)
                         ? length
                         : pg_mbcliplen(text.data(), length, static_cast<int>(size) - 1);
    std::memcpy(out, text.data(), static_cast<std::size_t>(kept));
}

// The message without the names in it: relation "..." is not protected for tenant isolation.
template <std::size_t size>
void write_without_names(std::string_view message, char (&out)[size]) {
    char text[size] = {};
    std::size_t length = 0;
    const auto add = [&text, &length](char c) {
        if (length < size - 1) text[length++] = c;
    };
    bool is_quoted = false;
    for (const char c : message) {
        if (c == '"') {
            is_quoted = !is_quoted;
            add(c);
            if (is_quoted)
                for (int i = 0; i < 3; i++) add('.');
        } else if (!is_quoted) {
            add(c);
        }
    }
    write({text, length}, out);
}

bool count(const Key& key, long reserve) {
    const TimestampTz now = GetCurrentTimestamp();
    return pg::change_entry<Entry>(
        table, key, reserve, [now](Entry& entry) { entry.first_seen = now; },
        [now](Entry& entry) {
            pg::count_up(entry.count);
            pg::store(entry.last_seen, now);
        });
}

}  // namespace

void count_violation(const Violation& violation) {
    Key key;
    std::memset(&key, 0, sizeof key);
    key.database = MyDatabaseId;
    key.role = GetSessionUserId();
    key.is_refused = violation.is_refused;
    write(violation.kind, key.kind);
    write(violation.sqlstate, key.sqlstate);
    write(violation.object, key.object);
    write_without_names(violation.reason, key.reason);
    if (count(key, violation.object.empty() ? 0 : reserve_for_objectless)) return;
    std::memset(key.object, 0, sizeof key.object);
    if (!count(key, 0)) pg::count_left_out(table);
}

void install_violations() { pg::add_shared_table(table); }

}  // namespace tg::audit

// SETOF (kind text, mode text, role oid, sqlstate text, object text, reason text, count bigint,
// first_seen timestamptz, last_seen timestamptz) of this database; and a last row, all NULL but for
// the count, if the server had more than fit.
TG_FUNCTION(tenant_guard_violation_counts) {
    using namespace tg::audit;
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    const tg::pg::SharedTableCopy copy = tg::pg::copy_of(table);
    const std::span entries{reinterpret_cast<const Entry*>(copy.entries),
                            static_cast<std::size_t>(copy.count)};
    for (const Entry& entry : entries) {
        if (entry.key.database != MyDatabaseId) continue;
        Datum values[] = {CStringGetTextDatum(entry.key.kind),
                          CStringGetTextDatum(entry.key.is_refused ? "refused" : "would_be_refused"),
                          ObjectIdGetDatum(entry.key.role),
                          CStringGetTextDatum(entry.key.sqlstate),
                          CStringGetTextDatum(entry.key.object),
                          CStringGetTextDatum(entry.key.reason),
                          Int64GetDatum(static_cast<int64>(entry.count)),
                          TimestampTzGetDatum(entry.first_seen),
                          TimestampTzGetDatum(entry.last_seen)};
        bool nulls[std::size(values)] = {};
        nulls[4] = entry.key.object[0] == '\0';
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    if (copy.left_out > 0) {
        Datum values[9] = {};
        bool nulls[9] = {true, true, true, true, true, true, false, true, true};
        values[6] = Int64GetDatum(static_cast<int64>(copy.left_out));
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return Datum{0};
}

TG_FUNCTION(tenant_guard_reset_violations) {
    tg::pg::empty(tg::audit::table, MyDatabaseId);
    PG_RETURN_VOID();
}
