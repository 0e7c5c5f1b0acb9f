// See the header. What implements an operator, a cast, an aggregate or an index of PostgreSQL is allowed
// with it and not by name: it is read off the catalogs, since there are more than a thousand.
#include "guard/untrusted_functions.h"

#include "catalog/installation.h"
#include "core/bytes.h"
#include "enforcement/profile.h"
#include "enforcement/refusal.h"
#include "enforcement/untrusted_limits.h"
#include "guard/untrusted_function_list.h"
#include "guard/untrusted_names.h"
#include "guard/voucher_table.h"
#include "pg/function.h"
#include "pg/relation_changes.h"
#include "pg/text.h"

extern "C" {
#include "access/parallel.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_language.h"
#include "catalog/pg_operator.h"
#include "utils/hsearch.h"
#include "utils/regproc.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;

constexpr const char* implements = "It implements an operator, a cast, an aggregate or an index.";
constexpr const char* of_context = "It reads or presents the token of the transaction.";
constexpr const char* vouched = "An administrator named it with allow_untrusted_function().";
constexpr const char* of_information_schema = "The views of information_schema compute with it.";

struct Entry {
    Oid function;  // the hash key
    const char* why;
    Scope scope;
};

struct Support {
    Oid function;  // the hash key
};

HTAB* entries = nullptr;
HTAB* supports = nullptr;

// Counts the invalidations heard of. What is known counts only for the number it was looked up under.
uint64 changes = 1;
uint64 known_at = 0;
Oid vouchers_table = InvalidOid;

HTAB* make_table(const char* name, Size entry_size) {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = entry_size;
    return hash_create(name, 256, &control, HASH_ELEM | HASH_BLOBS);
}

void add_support(Oid function) {
    if (OidIsValid(function)) hash_search(supports, &function, HASH_ENTER, nullptr);
}

template <typename Form>
void scan(Oid catalog, void (*take)(const Form&)) {
    Relation table = table_open(catalog, AccessShareLock);
    SysScanDesc rows = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
    HeapTuple tuple;
    while (HeapTupleIsValid(tuple = systable_getnext(rows)))
        take(*reinterpret_cast<const Form*>(GETSTRUCT(tuple)));
    systable_endscan(rows);
    table_close(table, AccessShareLock);
}

void learn_supports() {
    scan<FormData_pg_operator>(OperatorRelationId, [](const auto& row) { add_support(row.oprcode); });
    // What is not built in was made by somebody, and may be a cast or an aggregate over anything.
    scan<FormData_pg_cast>(CastRelationId, [](const auto& row) {
        if (row.castfunc < FirstNormalObjectId) add_support(row.castfunc);
    });
    scan<FormData_pg_amproc>(AccessMethodProcedureRelationId, [](const auto& row) {
        if (row.amproc < FirstNormalObjectId) add_support(row.amproc);
    });
    scan<FormData_pg_aggregate>(AggregateRelationId, [](const auto& row) {
        if (row.aggfnoid >= FirstNormalObjectId) return;
        for (const Oid part : {row.aggtransfn, row.aggfinalfn, row.aggcombinefn, row.aggserialfn,
                               row.aggdeserialfn, row.aggmtransfn, row.aggminvtransfn, row.aggmfinalfn})
            add_support(part);
    });
}

void clear(HTAB* table) {
    HASH_SEQ_STATUS rows;
    hash_seq_init(&rows, table);
    while (void* row = hash_seq_search(&rows)) hash_search(table, row, HASH_REMOVE, nullptr);
}

void start_anew() {
    if (!entries) entries = make_table("tenant_guard untrusted functions", sizeof(Entry));
    if (!supports) supports = make_table("tenant_guard support functions", sizeof(Support));
    while (known_at != changes) {
        const uint64 looked_up_at = changes;
        clear(entries);
        clear(supports);
        learn_supports();
        known_at = looked_up_at;
    }
}

bool has_word(std::string_view words, std::string_view wanted) {
    while (!words.empty()) {
        std::size_t length = 0;
        while (length < words.size() && words[length] != ' ') length++;
        if (first_of(words, length) == wanted) return true;
        words = without_first(words, length + 1);
    }
    return false;
}

Entry listed(const FormData_pg_proc& form) {
    const std::string_view name = pg::view_of(form.proname);
    for (const AllowedGroup& group : allowed_groups)
        if (has_word(group.names, name) && (group.volatility == Volatility::any ||
                                            form.provolatile != PROVOLATILE_VOLATILE))
            return {form.oid, group.why, group.scope};
    return {form.oid, nullptr, Scope::everybody};
}

bool is_support(Oid function) {
    return hash_search(supports, &function, HASH_FIND, nullptr) != nullptr;
}

Entry built_in(const FormData_pg_proc& form) {
    if (form.pronamespace == get_namespace_oid("information_schema", true))
        return {form.oid, of_information_schema, Scope::everybody};
    if (form.pronamespace != PG_CATALOG_NAMESPACE) return {form.oid, nullptr, Scope::everybody};
    const Entry found = listed(form);
    if (found.why || !is_support(form.oid)) return found;
    const bool computes =
        form.provolatile != PROVOLATILE_VOLATILE && !shows_names(form.prorettype);
    return {form.oid, computes ? implements : nullptr, Scope::everybody};
}

// What everybody may call of ours: functions in C that are STABLE, and these.
const char* why_own(const FormData_pg_proc& form) {
    const std::string_view name = pg::view_of(form.proname);
    if (name == "authenticate" || name == "query" || name == "policies_in_force") return of_context;
    return form.prolang == ClanguageId && form.provolatile == PROVOLATILE_STABLE ? of_context : nullptr;
}

// An extension's type is of no use without its operators. Immutable code in C, from a superuser's CREATE
// EXTENSION, computes with its operands.
const char* why_operator_of_extension(const FormData_pg_proc& form) {
    if (form.prolang != ClanguageId || form.provolatile != PROVOLATILE_IMMUTABLE || form.prosecdef)
        return nullptr;
    return is_support(form.oid) && OidIsValid(getExtensionOfObject(ProcedureRelationId, form.oid))
               ? implements
               : nullptr;
}

const char* why_vouched(Oid function) {
    const catalog::Installation& at = catalog::installation();
    vouchers_table = at.untrusted_vouchers;
    if (at.state != catalog::InstallationState::ready) return nullptr;
    return read_voucher(at.untrusted_vouchers, at.untrusted_vouchers_index, function) == Voucher::in_force
               ? vouched
               : nullptr;
}

Entry look_up(Oid function) {
    Entry found{function, nullptr, Scope::everybody};
    const HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) return found;
    const auto& form = *reinterpret_cast<const FormData_pg_proc*>(GETSTRUCT(tuple));
    if (function < FirstNormalObjectId)
        found = built_in(form);
    else if (form.pronamespace == catalog::installation().schema)
        found.why = why_own(form);
    else
        found.why = why_operator_of_extension(form);
    ReleaseSysCache(tuple);
    if (!found.why || found.scope == Scope::views)
        if (const char* why = why_vouched(function)) found = {function, why, Scope::everybody};
    return found;
}

Entry entry_of(Oid function) {
    start_anew();
    if (const auto* known =
            static_cast<const Entry*>(hash_search(entries, &function, HASH_FIND, nullptr)))
        return *known;
    const Entry found = look_up(function);
    if (known_at == changes)
        *static_cast<Entry*>(hash_search(entries, &function, HASH_ENTER, nullptr)) = found;
    return found;
}

void on_catalog_change(Datum, int, uint32) { changes++; }

void on_relation_change(Datum, Oid relation) {
    if (!OidIsValid(relation) || relation == vouchers_table) changes++;
}

void refuse_function(Guarding mode, Oid function, const char* detail) {
    const char* name = get_func_name(function);
    enforcement::refuse(
        mode, {.message = psprintf("function \"%s\" is not allowed in an untrusted transaction",
                                   name ? name : "?"),
               .detail = detail,
               .hint = psprintf("An administrator sees the list in tenant_guard.untrusted_functions, and may "
                                "run SELECT tenant_guard.allow_untrusted_function(%s, 'reason').",
                                quote_literal_cstr(format_procedure_qualified(function))),
               .object = name});
}

}  // namespace

const char* why_allowed_untrusted(Oid function) {
    const Entry found = entry_of(function);
    return found.scope == Scope::writers && !enforcement::may_write_untrusted() ? nullptr : found.why;
}

void check_untrusted_function(Oid function) {
    const Guarding mode = enforcement::guarding_untrusted();
    if (mode == Guarding::none) return;
    // A function call of the protocol has no plan: nobody else bounds its time.
    if (!IsParallelWorker()) enforcement::bound_statement();
    if (why_allowed_untrusted(function)) return;
    refuse_function(mode, function,
                    "It is not on the list of functions that compute with their arguments and nothing "
                    "else.");
}

void check_named_function(Guarding mode, Oid function) {
    if (entry_of(function).scope != Scope::views) return check_untrusted_function(function);
    refuse_function(mode, function, "It shows objects by their number, on which the role may have no rights. "
                                    "The views of information_schema may call it.");
}

void install_untrusted_functions() {
    CacheRegisterSyscacheCallback(PROCOID, on_catalog_change, Datum{0});
    CacheRegisterSyscacheCallback(OPEROID, on_catalog_change, Datum{0});
    CacheRegisterSyscacheCallback(AUTHOID, on_catalog_change, Datum{0});
    pg::on_relation_changes(on_relation_change);
}

}  // namespace tg::guard

TG_FUNCTION(tenant_guard_why_allowed_untrusted) {
    const char* why = tg::guard::why_allowed_untrusted(PG_GETARG_OID(0));
    if (!why) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(why));
}
