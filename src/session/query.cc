// tenant_guard.query(): one call for agents and dashboards. Authenticates, makes the transaction
// untrusted, runs one statement and returns its rows as JSON. The statement runs as the calling role, and
// under the same guard as any other; what is decided here is only that it is one, that it is a query, and
// how parameters and rows are written.
#include "enforcement/profile.h"
#include "enforcement/untrusted_limits.h"
#include "pg/function.h"
#include "pg/refuse.h"
#include "pg/text.h"
#include "session/authenticate.h"

extern "C" {
#include "executor/spi.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "parser/parse_param.h"
#include "utils/jsonb.h"
#include "utils/plancache.h"
}

namespace {

using namespace tg;

// The types of $1, $2, ... as the parser finds them where they are used.
struct ParameterTypes {
    Oid* types;
    int count;
};

struct Wrong {
    int sqlstate;
    const char* message;
    const char* detail;
    const char* hint;
};

[[noreturn]] void refuse_call(const Wrong& wrong) {
    ereport(ERROR, (errcode(wrong.sqlstate), errmsg("%s", wrong.message), errdetail("%s", wrong.detail),
                    errhint("%s", wrong.hint), errhidestmt(true)));
    pg_unreachable();
}

void find_types(ParseState* parse, void* argument) {
    auto* found = static_cast<ParameterTypes*>(argument);
    setup_parse_variable_parameters(parse, &found->types, &found->count);
}

// Each value has its place in the statement, and each place its value.
void check_parameters(const ParameterTypes& found, int given) {
    constexpr const char* hint = "Pass a JSON array with one value for each of $1, $2, ...";
    if (found.count > given)
        refuse_call({.sqlstate = ERRCODE_UNDEFINED_PARAMETER,
                     .message = psprintf("there is no value for parameter $%d", found.count),
                     .detail = psprintf("params has %d values.", given),
                     .hint = hint});
    for (int i = 0; i < given; i++)
        if (!OidIsValid(found.types[i]))
            refuse_call({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                         .message = psprintf("the statement does not use parameter $%d", i + 1),
                         .detail = psprintf("params has %d values.", given),
                         .hint = hint});
}

bool is_query(const Query* query) {
    return query->commandType != CMD_UTILITY && query->utilityStmt == nullptr;
}

// Exactly one statement, which is no command.
const CachedPlanSource* only_statement(SPIPlanPtr plan) {
    const List* sources = SPI_plan_get_plan_sources(plan);
    if (list_length(sources) != 1)
        refuse_call({.sqlstate = ERRCODE_SYNTAX_ERROR,
                     .message = "query() runs exactly one statement",
                     .detail = psprintf("The text has %d.", list_length(sources)),
                     .hint = "Call it once for each statement."});
    const auto* source = static_cast<const CachedPlanSource*>(linitial(sources));
    ListCell* cell;
    foreach (cell, source->query_list)
        if (!is_query(lfirst_node(Query, cell)))
            refuse_call({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                         .message = "query() runs queries and no commands",
                         .detail = psprintf("The statement is %s.", GetCommandTagName(source->commandTag)),
                         .hint = "Pass a SELECT."});
    return source;
}

// The text of one parameter, or null. Strings without their quotes, everything else as JSON writes it.
char* text_of(JsonbValue& value) {
    switch (value.type) {
        case jbvNull:
            return nullptr;
        case jbvString:
            return pnstrdup(value.val.string.val, value.val.string.len);
        case jbvNumeric:
            return DatumGetCString(
                DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
        case jbvBool:
            return pstrdup(value.val.boolean ? "true" : "false");
        default: {
            Jsonb* nested = JsonbValueToJsonb(&value);
            return JsonbToCString(nullptr, &nested->root, VARSIZE(nested));
        }
    }
}

void bind(const ParameterTypes& found, Jsonb* values, ParamListInfo out) {
    for (int i = 0; i < found.count; i++) {
        JsonbValue* value = getIthJsonbValueFromContainer(&values->root, static_cast<uint32>(i));
        const Oid type = found.types[i];
        Oid input = InvalidOid;
        Oid element = InvalidOid;
        getTypeInputInfo(type, &input, &element);
        char* text = text_of(*value);
        ParamExternData& parameter = out->params[i];
        parameter.value = OidInputFunctionCall(input, text, element, -1);
        parameter.isnull = text == nullptr;
        parameter.pflags = PARAM_FLAG_CONST;
        parameter.ptype = type;
    }
}

// Two columns of one name would be one member of an object, and the first would be gone without a word.
void check_column_names(TupleDesc shape) {
    for (int i = 0; i < shape->natts; i++)
        for (int j = 0; j < i; j++) {
            const char* name = NameStr(TupleDescAttr(shape, i)->attname);
            if (std::strcmp(NameStr(TupleDescAttr(shape, j)->attname), name) != 0) continue;
            refuse_call({.sqlstate = ERRCODE_DUPLICATE_COLUMN,
                         .message = psprintf("column name \"%s\" appears more than once in the result", name),
                         .detail = "Each row becomes a JSON object, which has each name once.",
                         .hint = "Name the columns with AS."});
        }
}

void put_rows(ReturnSetInfo* out, const SPITupleTable* rows) {
    check_column_names(rows->tupdesc);
    TupleDesc shape = BlessTupleDesc(CreateTupleDescCopy(rows->tupdesc));
    FmgrInfo to_jsonb;
    fmgr_info(F_TO_JSONB, &to_jsonb);
    // The function asks for the type of its argument.
    Const* argument = makeNullConst(RECORDOID, -1, InvalidOid);
    fmgr_info_set_expr(reinterpret_cast<Node*>(makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(argument),
                                                            InvalidOid, InvalidOid,
                                                            COERCE_EXPLICIT_CALL)),
                       &to_jsonb);
    for (uint64 i = 0; i < rows->numvals; i++) {
        Datum row = FunctionCall1(&to_jsonb, heap_copy_tuple_as_datum(rows->vals[i], shape));
        bool is_null = false;
        tuplestore_putvalues(out->setResult, out->setDesc, &row, &is_null);
    }
}

void run(const char* sql, Jsonb* values, int max_rows, ReturnSetInfo* out) {
    const int given = static_cast<int>(JB_ROOT_COUNT(values));
    // Made here, since the parser enlarges the array where it is and lets go of what it makes itself.
    ParameterTypes found{static_cast<Oid*>(palloc0(sizeof(Oid) * (given + 1))), given};
    SPIPrepareOptions prepare{};
    prepare.parserSetup = find_types;
    prepare.parserSetupArg = &found;
    SPIPlanPtr plan = SPI_prepare_extended(sql, &prepare);
    if (!plan) elog(ERROR, "SPI_prepare_extended: %s", SPI_result_code_string(SPI_result));
    const CachedPlanSource* source = only_statement(plan);

    check_parameters(found, given);
    ParamListInfo parameters = makeParamList(found.count);
    bind(found, values, parameters);

    // A count would stop a statement that changes rows in the middle of its work.
    const bool reads = source->commandTag == CMDTAG_SELECT;
    const uint64 most = enforcement::max_untrusted_rows();
    const uint64 asked = static_cast<uint64>(max_rows);
    SPIExecuteOptions execute{};
    execute.params = parameters;
    execute.tcount = !reads ? 0 : most > 0 && most < asked ? most + 1 : asked;
    const int result = SPI_execute_plan_extended(plan, &execute);
    if (result < 0) elog(ERROR, "SPI_execute_plan_extended: %s", SPI_result_code_string(result));
    if (!SPI_tuptable) return;
    if (SPI_tuptable->numvals > asked) SPI_tuptable->numvals = asked;
    if (most > 0 && SPI_tuptable->numvals > most)
        enforcement::refuse_more_rows(enforcement::Guarding::refuse);
    put_rows(out, SPI_tuptable);
}

}  // namespace

TG_FUNCTION(tenant_guard_query) {
    std::string_view jwt;
    if (!PG_ARGISNULL(0)) jwt = pg::view_of(PG_GETARG_TEXT_PP(0));
    session::authenticate_token(jwt);
    if (enforcement::guarding_if_authenticated() == enforcement::Guarding::none)
        refuse_call({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                     .message = "query() needs the guard",
                     .detail = "Parameter \"tenant_guard.enforce\" is off.",
                     .hint = "Set it to authenticated or always."});
    enforcement::make_untrusted();

    if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
        refuse_call({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                     .message = "sql, params and max_rows must not be null",
                     .detail = "An argument of query() is null.",
                     .hint = "Leave params and max_rows out for their defaults."});
    Jsonb* values = PG_GETARG_JSONB_P(2);
    if (!JB_ROOT_IS_ARRAY(values) || JB_ROOT_IS_SCALAR(values))
        refuse_call({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                     .message = "params must be a JSON array",
                     .detail = "It is another kind of JSON value.",
                     .hint = "Pass a JSON array with one value for each of $1, $2, ..."});
    const int max_rows = PG_GETARG_INT32(3);
    if (max_rows < 1)
        refuse_call({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                     .message = "max_rows must be at least 1",
                     .detail = psprintf("It is %d.", max_rows),
                     .hint = "Leave it out for 1000."});

    InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
    run(text_to_cstring(PG_GETARG_TEXT_PP(1)), values, max_rows,
        reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
    SPI_finish();
    return Datum{0};
}
