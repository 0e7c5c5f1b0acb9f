// See the header.
#include "session/reading.h"

namespace tg::session {

namespace {

// The level of the outermost subtransaction that began while a statement was reading; 0: none did. Its end, or that of one
// within, is not the end of the statement.
int level_within = 0;

void on_transaction_end(XactEvent event, void*) {
    if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE) return;
    state::is_reading = false;
    level_within = 0;
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    const int level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_START_SUB && is_reading() && level_within == 0) level_within = level;
    if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB) return;
    if (event == SUBXACT_EVENT_ABORT_SUB && (level_within == 0 || level < level_within)) state::is_reading = false;
    if (level <= level_within) level_within = 0;
}

}  // namespace

void install_reading() {
    RegisterXactCallback(on_transaction_end, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

}  // namespace tg::session
