// See the header.
#include "pg/shared_table.h"

extern "C" {
#include "storage/ipc.h"
#include "storage/shmem.h"
}

namespace tg::pg {

namespace {

constexpr const char* tranche = "tenant_guard";

std::array<SharedTable*, 8> tables{};
std::size_t table_count = 0;

shmem_request_hook_type next_request = nullptr;
shmem_startup_hook_type next_startup = nullptr;

std::span<SharedTable* const> all_tables() { return {tables.data(), table_count}; }

void request() {
    if (next_request) next_request();
    for (const SharedTable* table : all_tables()) {
        RequestAddinShmemSpace(hash_estimate_size(table->capacity, table->entry_size));
        RequestAddinShmemSpace(MAXALIGN(sizeof(SharedTableHead)));
    }
    RequestNamedLWLockTranche(tranche, static_cast<int>(table_count));
}

void attach(SharedTable& table, LWLock* lock) {
    bool found = false;
    auto* head = static_cast<SharedTableHead*>(
        ShmemInitStruct(psprintf("%s head", table.name), sizeof(SharedTableHead), &found));
    if (!found) *head = {};
    HASHCTL control{};
    control.keysize = table.key_size;
    control.entrysize = table.entry_size;
    table.entries = ShmemInitHash(table.name, table.capacity, table.capacity, &control,
                                  HASH_ELEM | HASH_BLOBS);
    table.head = head;
    table.lock = lock;
}

void startup() {
    if (next_startup) next_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    LWLockPadded* locks = GetNamedLWLockTranche(tranche);
    for (SharedTable* table : all_tables()) attach(*table, &locks++->lock);
    LWLockRelease(AddinShmemInitLock);
}

}  // namespace

void add_shared_table(SharedTable& table) {
    Assert(table_count < tables.size());
    tables[table_count++] = &table;
}

void install_shared_tables() {
    next_request = shmem_request_hook;
    shmem_request_hook = request;
    next_startup = shmem_startup_hook;
    shmem_startup_hook = startup;
}

SharedTableCopy copy_of(const SharedTable& table) {
    if (!table.entries) return {nullptr, 0, 0};
    LWLockAcquire(table.lock, LW_SHARED);
    SharedTableCopy copy{nullptr, hash_get_num_entries(table.entries),
                         table.head->left_out};
    copy.entries = static_cast<char*>(palloc(static_cast<Size>(copy.count) * table.entry_size + 1));
    char* out = copy.entries;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, table.entries);
    while (const void* entry = hash_seq_search(&scan)) {
        std::memcpy(out, entry, table.entry_size);
        out += table.entry_size;
    }
    LWLockRelease(table.lock);
    return copy;
}

void empty(SharedTable& table, Oid database) {
    if (!table.entries) return;
    LWLockAcquire(table.lock, LW_EXCLUSIVE);
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, table.entries);
    while (void* entry = hash_seq_search(&scan))
        if (*static_cast<const Oid*>(entry) == database)
            hash_search(table.entries, entry, HASH_REMOVE, nullptr);
    *table.head = {};
    LWLockRelease(table.lock);
}

}  // namespace tg::pg
