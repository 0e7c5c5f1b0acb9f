// See the header. Rows are counted where they leave the executor, so that cursors and portals that are
// run piece by piece count as what they are, one statement.
#include "guard/untrusted_execution.h"

#include "enforcement/profile.h"
#include "enforcement/untrusted_limits.h"
#include "enforcement/refusal.h"
#include "guard/untrusted_statements.h"
#include "pg/compat.h"
#include "pg/hook.h"

extern "C" {
#include "access/parallel.h"
#include "tcop/dest.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;

// A statement that was started while the transaction was untrusted. Lives in the statement's own memory
// and leaves the list when that goes, after an error as well.
struct Started {
    DestReceiver receiver;  // stands before `inner` while the statement runs
    DestReceiver* inner;
    Guarding guarding;
    uint64 rows;
    const QueryDesc* query;
    Started* next;
    MemoryContextCallback at_end;
};

Started* all_started = nullptr;

// Only the outermost statement returns rows to the client.
bool is_counting = false;

Started* find_started(const QueryDesc* query) {
    for (Started* started = all_started; started; started = started->next)
        if (started->query == query) return started;
    return nullptr;
}

void forget(void* argument) {
    for (Started** link = &all_started; *link; link = &(*link)->next)
        if (*link == argument) {
            *link = (*link)->next;
            return;
        }
}

Started& of(DestReceiver* receiver) { return *reinterpret_cast<Started*>(receiver); }

bool receive(TupleTableSlot* slot, DestReceiver* self) {
    Started& started = of(self);
    const uint64 most = enforcement::max_untrusted_rows();
    // Under `warn`, said once.
    if (++started.rows == most + 1 && most > 0) enforcement::refuse_more_rows(started.guarding);
    return started.inner->receiveSlot(slot, started.inner);
}

void start_up(DestReceiver* self, int operation, TupleDesc shape) {
    of(self).inner->rStartup(of(self).inner, operation, shape);
}

void shut_down(DestReceiver* self) { of(self).inner->rShutdown(of(self).inner); }

void destroy(DestReceiver*) {}

void remember(const QueryDesc* query, Guarding guarding) {
    auto* started = static_cast<Started*>(
        MemoryContextAllocZero(query->estate->es_query_cxt, sizeof(Started)));
    started->receiver.receiveSlot = receive;
    started->receiver.rStartup = start_up;
    started->receiver.rShutdown = shut_down;
    started->receiver.rDestroy = destroy;
    started->guarding = guarding;
    started->query = query;
    started->next = all_started;
    started->at_end.func = forget;
    started->at_end.arg = started;
    all_started = started;
    MemoryContextRegisterResetCallback(query->estate->es_query_cxt, &started->at_end);
}

Guarding guarding_here() {
    return IsParallelWorker() ? Guarding::none : enforcement::guarding_untrusted();
}

// A cursor that an application opened before it handed the transaction to a stranger: nobody looked at
// its functions, and nobody counts its rows. What reads nothing may be the call that began the profile.
void refuse_earlier_cursor(Guarding guarding) {
    enforcement::refuse(
        guarding, {.message = "the cursor was opened before the transaction became untrusted",
                   .detail = "Its statement was started under the application profile.",
                   .hint = "Open it again.",
                   .object = "cursor"});
}

}  // namespace

void bound_planning() {
    if (guarding_here() != Guarding::none) enforcement::bound_statement();
}

void start_untrusted(QueryDesc* query, int flags, ExecutorStart_hook_type next) {
    const Guarding mode = guarding_here();
    if (mode == Guarding::none) return next(query, flags);
    enforcement::bound_statement();
    check_untrusted_plan(mode, query->plannedstmt);
    next(query, flags);
    remember(query, mode);
}

void run_untrusted(TG_EXECUTOR_RUN_PARAMETERS, ExecutorRun_hook_type next) {
    auto pass_on = [&] { next(TG_EXECUTOR_RUN_ARGUMENTS); };
    const Guarding mode = guarding_here();
    if (mode == Guarding::none) return pass_on();
    enforcement::bound_statement();
    Started* started = find_started(query);
    if (!started && pg::reads_relations(query->plannedstmt)) refuse_earlier_cursor(mode);
    if (!started || is_counting) return pass_on();

    started->inner = query->dest;
    started->receiver.mydest = query->dest->mydest;
    query->dest = &started->receiver;
    pg::with_flag(is_counting, pass_on);
    query->dest = started->inner;
}

}  // namespace tg::guard
