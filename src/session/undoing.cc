// See the header. What the transaction itself takes back if it is rolled back is undone before the
// commit, where errors still stop it; what survives a rollback, after either.
#include "session/undoing.h"

#include "session/remnants.h"

extern "C" {
#include "commands/async.h"
#include "storage/lock.h"
#include "utils/snapmgr.h"
}

namespace tg::session {

namespace {

// What this transaction was let make, one bit for each Remnant.
unsigned made = 0;

bool is_made(Remnant remnant) { return (made & (1u << static_cast<int>(remnant))) != 0; }

void undo_before_commit() {
    if (is_made(Remnant::temporary_object)) {
        PushActiveSnapshot(GetTransactionSnapshot());
        drop_temporary_objects();
        PopActiveSnapshot();
    }
    if (is_made(Remnant::held_cursor)) drop_held_cursors();
    // Queued behind the LISTEN that takes effect at commit.
    if (is_made(Remnant::channel)) Async_UnlistenAll();
}

void undo_after_end() {
    if (is_made(Remnant::prepared_statement)) drop_prepared_in_sql();
    if (is_made(Remnant::advisory_lock)) LockReleaseSession(USER_LOCKMETHOD);
    made = 0;
}

void on_transaction_event(XactEvent event, void*) {
    if (made == 0) return;
    switch (event) {
        case XACT_EVENT_PRE_COMMIT:
        case XACT_EVENT_PRE_PREPARE:
            undo_before_commit();
            break;
        case XACT_EVENT_COMMIT:
        case XACT_EVENT_ABORT:
        case XACT_EVENT_PREPARE:
            undo_after_end();
            break;
        default:
            break;
    }
}

}  // namespace

bool is_undone_at_end(enforcement::Guarding guarding, Remnant remnant) {
    if (!resets_session()) return false;
    if (guarding == enforcement::Guarding::refuse) made |= 1u << static_cast<int>(remnant);
    return true;
}

void install_undoing() { RegisterXactCallback(on_transaction_event, nullptr); }

}  // namespace tg::session
