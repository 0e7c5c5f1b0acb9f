// Bounded hash tables in shared memory, for what all backends count together. They live as long as the
// server; a restart empties them. The key of an entry begins with the OID of its database.
//
// Locking. Each table has one lock. Whoever finds an entry holds it shared and changes the entry's
// counters with the atomic functions below, so that backends that count do not wait for each other.
// Adding an entry and emptying the table take it exclusively. Entries are never removed one by one: what
// is found under the lock stays where it is as long as the lock is held.
// A full table takes no further entry: what did not fit is counted beside it, and nobody is told an
// error for it.
#pragma once

#include "pg/server.h"

extern "C" {
#include "storage/lwlock.h"
#include "utils/hsearch.h"
}

namespace tg::pg {

struct SharedTableHead {
    uint64 left_out;  // how often something did not fit
};

struct SharedTable {
    const char* name;
    Size key_size;    // without padding that is not zeroed: keys are compared byte by byte
    Size entry_size;  // the entry begins with its key
    long capacity;
    LWLock* lock = nullptr;
    SharedTableHead* head = nullptr;
    HTAB* entries = nullptr;
};

inline void count_up(uint64& counter) { __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED); }
inline void store(int64& field, int64 value) { __atomic_store_n(&field, value, __ATOMIC_RELAXED); }

// From _PG_init: the table will exist when the server has started. `table` is never freed.
void add_shared_table(SharedTable& table);

// From _PG_init, after the last add_shared_table().
void install_shared_tables();

// Calls `change(entry)` on the entry of `key`, holding the lock shared. An entry that was not there is
// added with `make(entry)`, which finds everything behind the key zeroed, unless the table has
// `reserve` free places left or fewer. Returns whether there is an entry now. Neither function may
// raise an error.
template <typename Entry, typename Key, typename Make, typename Change>
bool change_entry(SharedTable& table, const Key& key, long reserve, Make make, Change change) {
    if (!table.entries) return false;
    LWLockAcquire(table.lock, LW_SHARED);
    auto* entry = static_cast<Entry*>(hash_search(table.entries, &key, HASH_FIND, nullptr));
    if (!entry && hash_get_num_entries(table.entries) + reserve < table.capacity) {
        LWLockRelease(table.lock);
        LWLockAcquire(table.lock, LW_EXCLUSIVE);
        bool found = false;
        if (hash_get_num_entries(table.entries) + reserve < table.capacity)
            entry = static_cast<Entry*>(hash_search(table.entries, &key, HASH_ENTER_NULL, &found));
        else
            entry = static_cast<Entry*>(hash_search(table.entries, &key, HASH_FIND, &found));
        if (entry && !found) {
            std::memset(reinterpret_cast<char*>(entry) + table.key_size, 0,
                        table.entry_size - table.key_size);
            make(*entry);
        }
    }
    if (entry) change(*entry);
    LWLockRelease(table.lock);
    return entry != nullptr;
}

inline void count_left_out(SharedTable& table) {
    if (table.head) count_up(table.head->left_out);
}

// A palloc'd copy of all entries.
struct SharedTableCopy {
    char* entries;
    long count;
    uint64 left_out;
};
SharedTableCopy copy_of(const SharedTable& table);

// Removes the entries of a database, and forgets what was left out.
void empty(SharedTable& table, Oid database);

}  // namespace tg::pg
