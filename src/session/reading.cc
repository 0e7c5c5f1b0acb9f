// See the header.
#include "session/reading.h"

namespace tg::session {

namespace {

using state::reading_level;

void on_transaction_end(XactEvent event, void*) {
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        reading_level = 0;
}

void on_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (event == SUBXACT_EVENT_ABORT_SUB && reading_level >= GetCurrentTransactionNestLevel())
        reading_level = 0;
}

}  // namespace

void install_reading() {
    RegisterXactCallback(on_transaction_end, nullptr);
    RegisterSubXactCallback(on_subtransaction_end, nullptr);
}

}  // namespace tg::session
