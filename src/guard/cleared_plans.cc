// See the header.
#include "guard/cleared_plans.h"

namespace tg::guard {

namespace {

// A plan that was let through and failed before its permissions were checked leaves a list that is freed: another may come
// to lie where it was.
void forget_starting() {
    state::let_through = nullptr;
    state::starting = nullptr;
}

void on_transaction_end(XactEvent, void*) { forget_starting(); }

void on_subtransaction_end(SubXactEvent, SubTransactionId, SubTransactionId, void*) { forget_starting(); }

}  // namespace

void install_cleared_plans() {
    RegisterXactCallback(on_transaction_end, nullptr);
    RegisterSubXactCallback(on_subtransaction_end, nullptr);
}

}  // namespace tg::guard
