// See the header. The text that a name stands for when a tenant first executes it is remembered until
// DISCARD ALL; drivers and poolers use a name for one text, by whichever tenant it was prepared. A name
// that has come to stand for another text runs in the transaction that prepared it and in no other, and
// is not remembered: an attacker who executes it first must not make it good.
#include "guard/prepared_names.h"

#include "context/tenant_context.h"
#include "enforcement/refusal.h"
#include "pg/verdict_basis.h"

extern "C" {
#include "access/xact.h"
#include "commands/prepare.h"
#include "common/hashfn.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/hsearch.h"
#include "utils/portal.h"
#include "utils/timestamp.h"
}

namespace tg::guard {

using state::parses;

namespace {

using enforcement::Guarding;

struct KnownName {
    char name[NAMEDATALEN];  // the hash key; longer names share an entry
    uint64 text;             // a hash of it
    bool is_known;
};

HTAB* known_names = nullptr;

// The names that were found unchanged last, a few of them: a look-up in the table would be a measurable
// part of the shortest statements. Names of drivers are short.
struct Recent {
    char name[24];
    uint64 parses_seen;
};

Recent recent[16];

ProcessUtility_hook_type next_utility = nullptr;

uint64 hash_of(const char* text) {
    return hash_bytes_extended(reinterpret_cast<const unsigned char*>(text),
                               static_cast<int>(std::strlen(text)), 0);
}

// A driver that numbers its statements would fill the memory of a connection that lives for weeks. Kept
// for so long that an attacker does not come to the end of it by the way.
constexpr long max_names = 65536;

void forget_closed_names() {
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, known_names);
    while (auto* entry = static_cast<KnownName*>(hash_seq_search(&scan)))
        if (!FetchPreparedStatement(entry->name, false))
            hash_search(known_names, entry->name, HASH_REMOVE, nullptr);
}

KnownName& known(const char* name) {
    if (!known_names) {
        HASHCTL control{};
        control.keysize = NAMEDATALEN;
        control.entrysize = sizeof(KnownName);
        known_names = hash_create("tenant_guard prepared names", 64, &control, HASH_ELEM | HASH_STRINGS);
    }
    if (hash_get_num_entries(known_names) >= max_names) forget_closed_names();
    bool found = false;
    auto* entry = static_cast<KnownName*>(hash_search(known_names, name, HASH_ENTER, &found));
    if (!found) entry->is_known = false;
    return *entry;
}

Recent& recent_of(const char* name, std::size_t length) {
    const auto last = static_cast<unsigned char>(length > 0 ? name[length - 1] : 0);
    return recent[(last + length) % lengthof(recent)];
}

void remember_recent(const char* name, std::size_t length) {
    if (length >= sizeof(Recent::name)) return;
    Recent& slot = recent_of(name, length);
    std::memcpy(slot.name, name, length + 1);
    slot.parses_seen = parses;
}

void forget_names() {
    for (Recent& slot : recent) slot.parses_seen = 0;
    state::known_plans.fill(0);
    pg::change_verdict_basis();
    if (known_names) hash_destroy(known_names);
    known_names = nullptr;
}

void refuse_replaced(Guarding guarding, const char* name) {
    enforcement::refuse(
        guarding,
        {.message = psprintf("prepared statement \"%s\" was replaced", name),
         .detail = "It stood for another statement before, and was prepared anew outside of this "
                   "transaction, perhaps by another user of the connection.",
         .hint = "Prepare it within the transaction, or open a new connection.",
         .object = name});
}

bool is_recent(const char* name, std::size_t length) {
    const Recent& slot = recent_of(name, length);
    return slot.parses_seen == parses && std::strcmp(slot.name, name) == 0;
}

// True if the name stands for what it always stood for.
bool check_name(const char* name) {
    const std::size_t length = std::strlen(name);
    if (is_recent(name, length)) return true;
    KnownName& entry = known(name);
    const PreparedStatement* statement = FetchPreparedStatement(name, false);
    if (!statement || statement->from_sql) return false;
    const uint64 text = hash_of(statement->plansource->query_string);
    if (entry.is_known && entry.text != text) {
        const bool is_of_this_transaction =
            statement->prepare_time > GetCurrentTransactionStartTimestamp();
        const Guarding mode = is_of_this_transaction ? Guarding::none : enforcement::guarding();
        if (mode != Guarding::none) refuse_replaced(mode, name);
        return false;
    }
    entry.text = text;
    entry.is_known = true;
    remember_recent(name, length);
    return true;
}

void utility(PlannedStmt* planned, const char* text, bool read_only_tree,
             ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment* environment,
             DestReceiver* receiver, QueryCompletion* completion) {
    const Node* statement = planned->utilityStmt;
    // ROLLBACK must work in whatever state the transaction is.
    if (!IsAbortedTransactionBlockState()) check_running_name(0);
    auto* next = next_utility ? next_utility : standard_ProcessUtility;
    next(planned, text, read_only_tree, context, parameters, environment, receiver, completion);
    const bool discards_all =
        IsA(statement, DiscardStmt) &&
        reinterpret_cast<const DiscardStmt*>(statement)->target == DISCARD_ALL;
    if (discards_all) forget_names();
}

}  // namespace

void check_running_name(uint32 plan) {
    const char* name = ActivePortal ? ActivePortal->prepStmtName : nullptr;
    if (name && context::current() && check_name(name))
        state::known_plans[plan % state::known_plans.size()] = plan;
}

void check_authenticating_name() {
    if (is_running_by_name()) check_running_name(0);
}

void install_prepared_names() {
    next_utility = ProcessUtility_hook;
    ProcessUtility_hook = utility;
}

}  // namespace tg::guard
