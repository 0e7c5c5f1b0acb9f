// See the header. The server sends what a transaction changed after its commit is visible, so the number moves twice: before
// the commit, and when all of it is over. While it says that somebody is between the two, everybody asks the server.
//
// Not counted: transactions without an id, which have written nothing; the server's statistics in pg_class, which it
// updates in place. On a standby the changes are replayed by a process that runs no code of ours, so everybody asks there.
#include "pg/foreign_changes.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/inval.h"
#include "utils/memutils.h"
}

namespace tg::pg {

namespace {

constexpr uint64 one_about_to_commit = 1;
constexpr uint64 one_committed = uint64{1} << 32;
constexpr uint64 about_to_commit = one_committed - 1;

pg_atomic_uint64* shared = nullptr;

bool is_announced = false;

shmem_request_hook_type next_request = nullptr;
shmem_startup_hook_type next_startup = nullptr;

void request() {
    if (next_request) next_request();
    RequestAddinShmemSpace(MAXALIGN(sizeof(pg_atomic_uint64)));
}

void startup() {
    if (next_startup) next_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found = false;
    shared = static_cast<pg_atomic_uint64*>(ShmemInitStruct("tenant_guard commits", sizeof(pg_atomic_uint64), &found));
    if (!found) pg_atomic_init_u64(shared, 0);
    LWLockRelease(AddinShmemInitLock);
    state::commits = shared;
}

void withdraw(void*) {
    if (!is_announced) return;
    is_announced = false;
    pg_atomic_fetch_add_u64(shared, one_committed - one_about_to_commit);
}

bool may_have_changed_something() {
    return TransactionIdIsValid(GetTopTransactionIdIfAny()) || MyBackendType != B_BACKEND;
}

void on_transaction_end(XactEvent event, void*) {
    if (event == XACT_EVENT_PRE_COMMIT && may_have_changed_something()) announce_change();
}

}  // namespace

void hear_of_foreign_changes() {
    const uint64 seen = pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(state::commits));
    // Before the messages: what a standby replays until it is promoted is not counted.
    const bool is_counted = !RecoveryInProgress();
    pg_read_barrier();
    AcceptInvalidationMessages();
    const bool is_settled = (seen & about_to_commit) == 0 && is_counted;
    state::heard_at = is_settled ? seen : state::never_heard;
}

// The transaction's memory is given back when the server has sent everything and released all locks, or has cleaned up
// after an error; a backend that dies without doing either takes the server down with it.
void announce_change() {
    if (is_announced || !shared) return;
    auto* at_end = static_cast<MemoryContextCallback*>(MemoryContextAllocZero(TopTransactionContext, sizeof(MemoryContextCallback)));
    at_end->func = withdraw;
    MemoryContextRegisterResetCallback(TopTransactionContext, at_end);
    is_announced = true;
    pg_atomic_fetch_add_u64(shared, one_about_to_commit);
}

void install_foreign_changes() {
    next_request = shmem_request_hook;
    shmem_request_hook = request;
    next_startup = shmem_startup_hook;
    shmem_startup_hook = startup;
    RegisterXactCallback(on_transaction_end, nullptr);
}

}  // namespace tg::pg
