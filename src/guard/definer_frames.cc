// See the header. The server calls fmgr_hook around each function that is SECURITY DEFINER or has a SET
// clause; nothing is asked for others, so that the hook keeps no function from being inlined.
//
// A frame must not survive an error: the next function would be taken for another. The server calls the
// hook on abort as well; and should another module's hook fail between, a frame ends with the
// (sub)transaction that it was called in, or with an outer one.
#include "guard/definer_frames.h"

namespace tg::guard {

using state::frame_count;

namespace {

fmgr_hook_type next_hook = nullptr;

DefinerFrame* frames = nullptr;  // in TopMemoryContext; the innermost last
int frame_capacity = 0;

void push(const FmgrInfo* call) {
    if (frame_count == frame_capacity) {
        const int wanted = frame_capacity == 0 ? 16 : frame_capacity * 2;
        const Size size = sizeof(DefinerFrame) * static_cast<Size>(wanted);
        frames = static_cast<DefinerFrame*>(frames ? repalloc(frames, size)
                                                   : MemoryContextAlloc(TopMemoryContext, size));
        frame_capacity = wanted;
    }
    frames[frame_count++] = {call, call->fn_oid, GetCurrentTransactionNestLevel(), false};
}

void pop(const FmgrInfo* call) {
    for (int at = frame_count - 1; at >= 0; at--)
        if (frames[at].call == call) {
            frame_count = at;
            return;
        }
}

void on_call(FmgrHookEventType event, FmgrInfo* call, Datum* argument) {
    if (event != FHET_START) pop(call);
    if (next_hook) next_hook(event, call, argument);
    if (event == FHET_START) push(call);
}

void on_transaction_end(XactEvent event, void*) {
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        frame_count = 0;
}

void on_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (event != SUBXACT_EVENT_ABORT_SUB) return;
    const int level = GetCurrentTransactionNestLevel();
    while (frame_count > 0 && frames[frame_count - 1].level >= level) frame_count--;
}

}  // namespace

bool is_security_definer(Oid function) {
    const HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) return true;  // dropped while it runs: still another function
    const bool is_definer = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->prosecdef;
    ReleaseSysCache(tuple);
    return is_definer;
}

DefinerFrame* innermost_definer() {
    for (int at = frame_count - 1; at >= 0; at--)
        if (is_security_definer(frames[at].function)) return &frames[at];
    return nullptr;
}

void install_definer_frames() {
    next_hook = fmgr_hook;
    fmgr_hook = on_call;
    RegisterXactCallback(on_transaction_end, nullptr);
    RegisterSubXactCallback(on_subtransaction_end, nullptr);
}

}  // namespace tg::guard
