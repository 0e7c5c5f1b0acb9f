// See the header.
#include "keys/key_store.h"

#include "catalog/installation.h"
#include "jose/jwk_set.h"
#include "jose/warm_up.h"
#include "keys/key_file.h"
#include "pg/foreign_changes.h"
#include "pg/relation_changes.h"
#include "pg/text.h"

extern "C" {
#include "utils/array.h"
}

namespace tg::keys {

namespace {

// Columns of the tables (sql/install/10_tables.sql).
enum KeyColumn { key_kid = 1, key_issuer, key_algorithm, key_material, key_retired };
enum IssuerColumn {
    issuer_issuer = 1,
    issuer_audience,
    issuer_tenant_claim,
    issuer_attributes_claim,
    issuer_leeway,
    issuer_max_age,
    issuer_token_type
};

// 1024 of the table, which SQL sees to, and those of the file: each is in the ring once, or retired in the table.
constexpr int max_keys = 1024 + jose::max_set_keys;
constexpr int max_issuers = 256;

MemoryContext memory = nullptr;  // holds what the ring's views point to
KeyRing ring{};
jose::RingKey* loaded_keys = nullptr;  // OpenSSL objects are released by hand
int loaded_key_count = 0;

uint64 changes = 1;
uint64 loaded_at = 0;
uint64 loaded_file = 0;  // its generation
Oid keys_table = InvalidOid;
Oid issuers_table = InvalidOid;

void on_relation_change(Datum, Oid relation) {
    if (!OidIsValid(relation) || relation == keys_table || relation == issuers_table) changes++;
}

// Reads a table's rows in a fresh catalog snapshot: what is committed counts, whatever the
// transaction's own snapshot is, so that a retired key is gone for a long transaction as well.
template <typename Visit>
void for_each_row(Oid table_oid, Visit visit) {
    Relation table = table_open(table_oid, AccessShareLock);
    SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
    HeapTuple tuple;
    while (HeapTupleIsValid(tuple = systable_getnext(scan))) visit(tuple, RelationGetDescr(table));
    systable_endscan(scan);
    table_close(table, AccessShareLock);
}

// A copy in the current memory context; empty for NULL.
std::string_view text_column(HeapTuple tuple, TupleDesc shape, int column) {
    bool is_null = false;
    const Datum value = heap_getattr(tuple, column, shape, &is_null);
    if (is_null) return {};
    const text* bytes = DatumGetTextPP(value);
    return {pg::cstring_of(pg::view_of(bytes)), pg::view_of(bytes).size()};
}

int64 seconds_column(HeapTuple tuple, TupleDesc shape, int column, int64 if_null) {
    bool is_null = false;
    const Datum value = heap_getattr(tuple, column, shape, &is_null);
    return is_null ? if_null : DatumGetInt64(value);
}

std::span<const std::string_view> audience_column(HeapTuple tuple, TupleDesc shape) {
    bool is_null = false;
    const Datum value = heap_getattr(tuple, issuer_audience, shape, &is_null);
    if (is_null) return {};
    Datum* elements = nullptr;
    bool* nulls = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls,
                      &count);
    auto* names = static_cast<std::string_view*>(palloc(sizeof(std::string_view) * (count + 1)));
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (nulls[i]) continue;
        const text* bytes = DatumGetTextPP(elements[i]);
        names[kept++] = {pg::cstring_of(pg::view_of(bytes)), pg::view_of(bytes).size()};
    }
    return {names, static_cast<std::size_t>(kept)};
}

const jose::IssuerRules* rules_of(std::string_view issuer) {
    if (issuer.empty()) return &jose::default_rules;
    for (const jose::IssuerRules& rules : ring.issuers)
        if (rules.issuer == issuer) return &rules;
    return nullptr;
}

void load_issuers(Oid table) {
    auto* rules = static_cast<jose::IssuerRules*>(palloc0(sizeof(jose::IssuerRules) * max_issuers));
    int count = 0;
    for_each_row(table, [&](HeapTuple tuple, TupleDesc shape) {
        if (count == max_issuers)
            ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                            errmsg("more than %d issuers are configured", max_issuers)));
        rules[count++] = {.issuer = text_column(tuple, shape, issuer_issuer),
                          .audience = audience_column(tuple, shape),
                          .tenant_claim = text_column(tuple, shape, issuer_tenant_claim),
                          .attributes_claim = text_column(tuple, shape, issuer_attributes_claim),
                          .leeway = seconds_column(tuple, shape, issuer_leeway, 0),
                          .max_age = seconds_column(tuple, shape, issuer_max_age, -1),
                          .token_type = text_column(tuple, shape, issuer_token_type)};
    });
    ring.issuers = {rules, static_cast<std::size_t>(count)};
}

// The next place of the ring. The kid must live as long as the ring.
jose::RingKey& next_place(std::string_view kid, const jose::IssuerRules* rules) {
    if (loaded_key_count == max_keys)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("more than %d keys are configured", max_keys),
                        errhint("Delete retired keys from tenant_guard.signing_keys.")));
    jose::RingKey& key = loaded_keys[loaded_key_count];
    key = {.kid = kid, .rules = rules, .retired = false, .key = {}};
    return key;
}

void add_key(std::string_view kid, const jose::IssuerRules* rules, std::string_view algorithm,
             std::string_view material) {
    jose::RingKey& key = next_place(kid, rules);
    const jose::KeyVerdict verdict =
        rules ? jose::load_key(algorithm, material, key.key) : jose::KeyVerdict::unsupported;
    if (verdict == jose::KeyVerdict::ok)
        loaded_key_count++;
    else
        ereport(WARNING, (errmsg("key \"%s\" cannot be used", kid.data()),
                          errdetail("%s", jose::describe(verdict))));
}

// A retired key verifies nothing: what counts is that its name is taken.
void add_retired_key(std::string_view kid, const jose::IssuerRules* rules) {
    next_place(kid, rules).retired = true;
    loaded_key_count++;
}

void load_key(HeapTuple tuple, TupleDesc shape) {
    const std::string_view kid = text_column(tuple, shape, key_kid);
    const jose::IssuerRules* rules = rules_of(text_column(tuple, shape, key_issuer));
    if (!heap_attisnull(tuple, key_retired, shape)) return add_retired_key(kid, rules);
    bool is_null = false;
    auto* material = DatumGetByteaPCopy(heap_getattr(tuple, key_material, shape, &is_null));
    add_key(kid, rules, text_column(tuple, shape, key_algorithm),
            pg::view_of(reinterpret_cast<text*>(material)));
    explicit_bzero(material, VARSIZE_ANY(material));
    pfree(material);
}

bool is_in_table(std::string_view kid, const jose::IssuerRules* rules, int table_count) {
    for (int i = 0; i < table_count; i++)
        if (loaded_keys[i].rules == rules && loaded_keys[i].kid == kid) return true;
    return false;
}

// The keys of tenant_guard.jwks_file. Where the table has a key of the same kid and issuer, active or
// retired, the table decides: a kid names one key, and a key that is retired in SQL must not come back.
void load_key_file() {
    const KeyFile file = current_key_file();
    const jose::IssuerRules* rules = rules_of(key_file_issuer());
    if (!rules) return;
    const int table_count = loaded_key_count;
    for (std::size_t i = 0; i < file.key_count; i++) {
        const jose::ImportedKey& key = file.keys[i];
        const std::string_view kid{pg::cstring_of({key.kid.data(), key.kid_size}), key.kid_size};
        if (is_in_table(kid, rules, table_count)) continue;
        add_key(kid, rules, key.algorithm->stored_name,
                {reinterpret_cast<const char*>(key.material.data()), key.material_size});
    }
}

void forget_ring() {
    for (int i = 0; i < loaded_key_count; i++) jose::release(loaded_keys[i].key);
    loaded_key_count = 0;
    loaded_keys = nullptr;
    ring.keys = {};
    ring.issuers = {};
    if (memory) MemoryContextReset(memory);
}

void load_ring(const catalog::Installation& at) {
    forget_ring();
    keys_table = at.signing_keys;
    issuers_table = at.issuers;
    if (!memory)
        memory = AllocSetContextCreate(TopMemoryContext, "tenant_guard keys", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext before = MemoryContextSwitchTo(memory);
    loaded_keys = static_cast<jose::RingKey*>(palloc0(sizeof(jose::RingKey) * max_keys));
    load_issuers(at.issuers);
    for_each_row(at.signing_keys, load_key);
    load_key_file();
    ring.keys = {loaded_keys, static_cast<std::size_t>(loaded_key_count)};
    ring.generation++;
    MemoryContextSwitchTo(before);
}

}  // namespace

const KeyRing& current_ring() {
    pg::take_in_foreign_changes();
    const catalog::Installation& at = catalog::require_installation();
    if (at.signing_keys != keys_table || at.issuers != issuers_table) changes++;
    if (loaded_file != key_file_generation()) {
        loaded_file = key_file_generation();
        changes++;
    }
    while (loaded_at != changes) {
        const uint64 looked_up_at = changes;
        load_ring(at);
        loaded_at = looked_up_at;
    }
    return ring;
}

void install() {
    pg::on_relation_changes(on_relation_change);
    // In the postmaster, for all sessions.
    jose::warm_up();
}

}  // namespace tg::keys
