// attribute_texts() and its like: the values that a user attribute allows, in the type of the column that is compared with
// them. A policy calls them for each row, so an answer is kept with the call until the context changes.
#include "context/tenant_context.h"
#include "pg/function.h"
#include "pg/refuse.h"
#include "pg/text.h"
#include "session/parsed_claims.h"

extern "C" {
#include "common/jsonapi.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
}

namespace {

using namespace tg;

// An element type, its array's layout, and how one value of JSON is read; false if it is not of the type.
struct Kind {
    Oid type;
    const char* name;
    int16 length;
    bool by_value;
    char align;
    bool (*read)(const JsonbValue& value, Datum& out);
};

std::string_view string_of(const JsonbValue& value) {
    return {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
}

// As attribute() says it.
bool read_text(const JsonbValue& value, Datum& out) {
    switch (value.type) {
        case jbvString:
            out = PointerGetDatum(pg::text_of(string_of(value)));
            return true;
        case jbvNumeric: {
            const Datum digits = DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric));
            out = PointerGetDatum(cstring_to_text(DatumGetCString(digits)));
            return true;
        }
        case jbvBool:
            out = PointerGetDatum(cstring_to_text(value.val.boolean ? "true" : "false"));
            return true;
        default:
            return false;
    }
}

// A number, or a string that is written as JSON writes numbers: issuers quote those that JavaScript would round.
bool read_numeric(const JsonbValue& value, Datum& out) {
    if (value.type == jbvNumeric) {
        out = NumericGetDatum(value.val.numeric);
        return true;
    }
    if (value.type != jbvString || !IsValidJsonNumber(value.val.string.val, value.val.string.len)) return false;
    out = DirectFunctionCall3(numeric_in, CStringGetDatum(pg::cstring_of(string_of(value))),
                              ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    return true;
}

// 7.5 is nobody's 8.
bool read_bigint(const JsonbValue& value, Datum& out) {
    Datum number;
    if (!read_numeric(value, number)) return false;
    const Datum least = DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MIN));
    const Datum greatest = DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MAX));
    if (DatumGetBool(DirectFunctionCall2(numeric_lt, number, least)) ||
        DatumGetBool(DirectFunctionCall2(numeric_gt, number, greatest)))
        return false;
    out = DirectFunctionCall1(numeric_int8, number);
    return DatumGetBool(DirectFunctionCall2(numeric_eq, number, DirectFunctionCall1(int8_numeric, out)));
}

bool read_boolean(const JsonbValue& value, Datum& out) {
    const bool is_true = value.type == jbvBool ? value.val.boolean
                                               : value.type == jbvString && string_of(value) == "true";
    out = BoolGetDatum(is_true);
    return is_true || value.type == jbvBool || (value.type == jbvString && string_of(value) == "false");
}

// The canonical form only: uuid_in() raises an error that prints what it was given.
bool read_uuid(const JsonbValue& value, Datum& out) {
    if (value.type != jbvString || value.val.string.len != 36) return false;
    const std::string_view text = string_of(value);
    for (std::size_t i = 0; i < text.size(); i++) {
        const bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_hyphen ? text[i] != '-' : !isxdigit(static_cast<unsigned char>(text[i]))) return false;
    }
    out = DirectFunctionCall1(uuid_in, CStringGetDatum(pg::cstring_of(text)));
    return true;
}

constexpr Kind texts{TEXTOID, "text", -1, false, TYPALIGN_INT, read_text};
constexpr Kind bigints{INT8OID, "bigint", 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, read_bigint};
constexpr Kind numerics{NUMERICOID, "numeric", -1, false, TYPALIGN_INT, read_numeric};
constexpr Kind booleans{BOOLOID, "boolean", 1, true, TYPALIGN_CHAR, read_boolean};
constexpr Kind uuids{UUIDOID, "uuid", UUID_LEN, false, TYPALIGN_CHAR, read_uuid};

[[noreturn]] void refuse_type(std::string_view attribute, const Kind& kind) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
                    errmsg("attribute \"%s\" of this transaction is not of type %s", pg::cstring_of(attribute), kind.name),
                    errdetail("The token gives it another kind of value, and a column of this type is restricted by it."),
                    errhint("Issue tokens whose attribute is a value of type %s or an array of such values.", kind.name)));
    pg_unreachable();
}

struct Values {
    Datum* data;
    int count;
};

// A null among the elements equals nothing.
void append(Values& to, const JsonbValue& value, std::string_view attribute, const Kind& kind) {
    if (value.type == jbvNull) return;
    if (!kind.read(value, to.data[to.count])) refuse_type(attribute, kind);
    to.count++;
}

// The attribute's value, or each element of it if it is an array. Null if the token does not have it.
ArrayType* values_of(const context::TenantContext& tenant, std::string_view attribute, const Kind& kind) {
    Jsonb* attributes = session::parsed_claims(tenant).attributes;
    if (!attributes || !JB_ROOT_IS_OBJECT(attributes)) return nullptr;
    JsonbValue found;
    if (!getKeyJsonValueFromContainer(&attributes->root, attribute.data(), static_cast<int>(attribute.size()), &found) ||
        found.type == jbvNull)
        return nullptr;
    const bool is_array = found.type == jbvBinary && JsonContainerIsArray(found.val.binary.data);
    const int size = is_array ? static_cast<int>(JsonContainerSize(found.val.binary.data)) : 1;
    Values values{static_cast<Datum*>(palloc(sizeof(Datum) * (size + 1))), 0};
    if (!is_array) append(values, found, attribute, kind);
    for (int i = 0; is_array && i < size; i++)
        append(values, *getIthJsonbValueFromContainer(found.val.binary.data, static_cast<uint32>(i)), attribute, kind);
    return construct_array(values.data, values.count, kind.type, kind.length, kind.by_value, kind.align);
}

// What a call in a plan answered last, for which context and which attribute. It is not freed before the call's own
// memory, for an earlier answer may still be in use.
struct Answer {
    uint64 serial;
    std::string_view attribute;
    ArrayType* values;
};

Datum answer(FunctionCallInfo fcinfo, const Kind& kind) {
    if (!pg::is_preloaded()) pg::require_preloaded();
    const context::TenantContext* tenant = context::current();
    if (!tenant) PG_RETURN_NULL();
    const std::string_view attribute = pg::view_of(PG_GETARG_TEXT_PP(0));
    auto*& remembered = reinterpret_cast<Answer*&>(fcinfo->flinfo->fn_extra);
    if (!remembered || remembered->serial != tenant->serial() || remembered->attribute != attribute) {
        const MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
        auto* made = static_cast<Answer*>(palloc(sizeof(Answer)));
        *made = {tenant->serial(), {pg::cstring_of(attribute), attribute.size()}, values_of(*tenant, attribute, kind)};
        MemoryContextSwitchTo(before);
        remembered = made;
    }
    if (!remembered->values) PG_RETURN_NULL();
    PG_RETURN_ARRAYTYPE_P(remembered->values);
}

}  // namespace

TG_FUNCTION(tenant_guard_attribute_texts) { return answer(fcinfo, texts); }
TG_FUNCTION(tenant_guard_attribute_bigints) { return answer(fcinfo, bigints); }
TG_FUNCTION(tenant_guard_attribute_numerics) { return answer(fcinfo, numerics); }
TG_FUNCTION(tenant_guard_attribute_booleans) { return answer(fcinfo, booleans); }
TG_FUNCTION(tenant_guard_attribute_uuids) { return answer(fcinfo, uuids); }
