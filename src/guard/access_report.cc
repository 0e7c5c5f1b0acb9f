// explain_access(): what the guard would say of a statement, row by row. The statement is parsed and rewritten, which
// expands views and rules and adds policies, and then only looked at: it is not planned, since planning evaluates
// constant expressions, and so runs functions.
#include "enforcement/refusal.h"
#include "guard/definer_frames.h"
#include "guard/function_rules.h"
#include "guard/relation_refusals.h"
#include "guard/relations.h"
#include "guard/statement_rules.h"
#include "guard/vouchers.h"
#include "pg/compat.h"
#include "pg/function.h"
#include "pg/refuse.h"
#include "policy/settings.h"

extern "C" {
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/regproc.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::Refusal;
using policy::RelationClass;

struct Report {
    ReturnSetInfo* result;
    const char* text;
    int statement;
    List* functions;  // that are in a row already
    List* relations;  // the same, with the role and the permissions
    List* entries;    // accesses of the query in hand, its subqueries' among them
};

struct Row {
    const char* kind;
    const char* name;
    const char* read_as = nullptr;
    bool is_allowed;
    const char* reason;
    const char* remedy = nullptr;
};

void write(const Report& report, const Row& row) {
    const auto text = [](const char* value) { return value ? CStringGetTextDatum(value) : Datum{0}; };
    Datum values[] = {text(row.name),   BoolGetDatum(row.is_allowed), text(row.reason),
                      text(row.remedy), text(row.kind),               text(row.read_as),
                      Int32GetDatum(report.statement)};
    bool nulls[] = {!row.name, false, !row.reason, !row.remedy, false, !row.read_as, false};
    tuplestore_putvalues(report.result->setResult, report.result->setDesc, values, nulls);
}

const char* reason_of(const Refusal& refusal) {
    return refusal.detail ? psprintf("%s: %s", refusal.message, refusal.detail) : refusal.message;
}

const char* why_allowed(RelationClass found) {
    switch (found) {
        case RelationClass::isolated:
            return "Its rows are isolated by tenant: the transaction has to authenticate first.";
        case RelationClass::shared:
        case RelationClass::shared_writable:
            return "It is declared shared.";
        case RelationClass::view:
            return "It is a view: the relations that it reads are checked.";
        case RelationClass::own:
            return "It belongs to tenant_guard, where privileges decide.";
        case RelationClass::temporary:
            return "It is a temporary table of this transaction.";
        default:
            return "It is a catalog that tells nothing about tenants.";
    }
}

bool has_tenant_column(Oid relation) {
    const char relkind = get_rel_relkind(relation);
    return (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
           get_attnum(relation, policy::tenant_column_name()) != InvalidAttrNumber;
}

// A statement where one will do, and otherwise what the hint says.
const char* remedy_of(RelationClass found, Oid relation, const char* name, const Refusal& refusal) {
    const char* literal = quote_literal_cstr(name);
    if (found == RelationClass::isolation_off) return psprintf("SELECT tenant_guard.protect(%s)", literal);
    if (found == RelationClass::shared)
        return psprintf("SELECT tenant_guard.declare_shared(%s, 'reason', writable => true)", literal);
    if (found != RelationClass::unprotected) return refusal.hint;
    return has_tenant_column(relation) ? psprintf("SELECT tenant_guard.protect(%s)", literal)
                                       : psprintf("SELECT tenant_guard.declare_shared(%s, 'reason')", literal);
}

bool is_reported(Report& report, const pg::RelationAccess& access) {
    ListCell* cell;
    foreach (cell, report.relations) {
        const auto* before = static_cast<const pg::RelationAccess*>(lfirst(cell));
        if (before->relation == access.relation && before->role == access.role &&
            before->permissions == access.permissions)
            return true;
    }
    auto* copy = static_cast<pg::RelationAccess*>(palloc(sizeof(pg::RelationAccess)));
    *copy = access;
    report.relations = lappend(report.relations, copy);
    return false;
}

void report_relation(Report& report, const pg::RelationAccess& access, List* entries) {
    if (is_reported(report, access)) return;
    const char* name = qualified_name(access.relation);
    const char* role = GetUserNameFromId(access.role, true);
    RelationClass found;
    if (!would_refuse_relation(access, entries, found)) {
        write(report, {.kind = "relation", .name = name, .read_as = role, .is_allowed = true,
                       .reason = why_allowed(found)});
        return;
    }
    Refusal refusal{};
    enforcement::would_refuse(refusal, [&] { refuse_access(Guarding::refuse, found, access, name); });
    write(report, {.kind = "relation", .name = name, .read_as = role, .is_allowed = false,
                   .reason = reason_of(refusal), .remedy = remedy_of(found, access.relation, name, refusal)});
}

bool report_function(Oid function, void* context) {
    auto& report = *static_cast<Report*>(context);
    if (list_member_oid(report.functions, function)) return false;
    report.functions = lappend_oid(report.functions, function);
    const char* why = why_refused(function);
    const bool is_definer = is_security_definer(function);
    if (!why && !is_definer) return false;
    const char* name = format_procedure_qualified(function);
    if (why)
        write(report, {.kind = "function", .name = name, .is_allowed = false, .reason = why});
    else
        write(report,
              {.kind = "function", .name = name, .is_allowed = true,
               .reason = is_vouched(function)
                             ? "It is SECURITY DEFINER and vouched for: it may cross tenants."
                             : "It is SECURITY DEFINER: what it reads as its owner is checked when it runs."});
    return false;
}

bool walk(Node* node, void* context) {
    if (!node) return false;
    if (IsA(node, Query)) {
        auto* query = reinterpret_cast<Query*>(node);
        auto& report = *static_cast<Report*>(context);
        report.entries = list_concat(report.entries, list_copy(pg::access_entries(query)));
        return query_tree_walker(query, pg::tree_walker(walk), context, 0);
    }
    check_functions_in_node(node, report_function, context);
    return expression_tree_walker(node, pg::tree_walker(walk), context);
}

// All entries are found first, as the guard sees them together.
void report_query(Report& report, Query* query) {
    report.entries = NIL;
    walk(reinterpret_cast<Node*>(query), &report);
    ListCell* cell;
    foreach (cell, report.entries) {
        pg::RelationAccess access;
        if (pg::read_access(lfirst(cell), access)) report_relation(report, access, report.entries);
    }
}

void report_statement(Report& report, RawStmt* raw);

// The query inside a command is analyzed with it, and not rewritten.
void report_inner(Report& report, Node* query) {
    if (!query || !IsA(query, Query)) return;
    auto* copy = static_cast<Query*>(copyObjectImpl(query));
    if (copy->commandType == CMD_UTILITY) return;
    ListCell* cell;
    foreach (cell, QueryRewrite(copy)) report_query(report, lfirst_node(Query, cell));
}

void report_copy(Report& report, const CopyStmt* copy) {
    if (copy->query) {
        auto* raw = makeNode(RawStmt);
        raw->stmt = static_cast<Node*>(copyObjectImpl(copy->query));
        return report_statement(report, raw);
    }
    const Oid relation = RangeVarGetRelid(copy->relation, NoLock, false);
    const AclMode permissions = copy->is_from ? ACL_INSERT : ACL_SELECT;
    report_relation(report, {relation, GetUserId(), permissions, nullptr, false}, NIL);
}

void report_command(Report& report, Node* statement) {
    Refusal refusal{};
    const bool is_refused = enforcement::would_refuse(
        refusal, [statement] { check_statement(Guarding::refuse, statement); });
    write(report, {.kind = "command", .name = CreateCommandName(statement), .is_allowed = !is_refused,
                   .reason = is_refused ? reason_of(refusal) : "The command is allowed.",
                   .remedy = is_refused ? refusal.hint : nullptr});
    switch (nodeTag(statement)) {
        case T_ExplainStmt:
            return report_inner(report, reinterpret_cast<const ExplainStmt*>(statement)->query);
        case T_DeclareCursorStmt:
            return report_inner(report, reinterpret_cast<const DeclareCursorStmt*>(statement)->query);
        case T_CreateTableAsStmt:
            return report_inner(report, reinterpret_cast<const CreateTableAsStmt*>(statement)->query);
        case T_CopyStmt:
            return report_copy(report, reinterpret_cast<const CopyStmt*>(statement));
        default:
            return;
    }
}

void report_statement(Report& report, RawStmt* raw) {
    Oid* types = nullptr;
    int count = 0;
    List* queries = pg_analyze_and_rewrite_varparams(raw, report.text, &types, &count, nullptr);
    ListCell* cell;
    foreach (cell, queries) {
        auto* query = lfirst_node(Query, cell);
        if (query->commandType == CMD_UTILITY)
            report_command(report, query->utilityStmt);
        else
            report_query(report, query);
    }
}

void require_membership(Oid role) {
    if (is_member_of_role(GetUserId(), role)) return;
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("must be a member of role \"%s\"", GetUserNameFromId(role, false)),
                    errhint("Leave as_role out, to ask for yourself.")));
}

// A syntax error is one of the text that was passed, and not of the statement that passed it.
void point_into_text(void* text) {
    const int position = geterrposition();
    if (position <= 0) return;
    errposition(0);
    internalerrposition(position);
    internalerrquery(static_cast<const char*>(text));
}

}  // namespace

}  // namespace tg::guard

// (sql text, as_role regrole) -> SETOF (relation, allowed, reason, remedy, kind, read_as, statement)
TG_FUNCTION(tenant_guard_explain_access) {
    using namespace tg::guard;
    tg::pg::require_preloaded();
    InitMaterializedSRF(fcinfo, 0);
    if (PG_ARGISNULL(0)) return Datum{0};
    char* sql = text_to_cstring(PG_GETARG_TEXT_PP(0));

    Oid caller;
    int security_context;
    GetUserIdAndSecContext(&caller, &security_context);
    if (!PG_ARGISNULL(1)) {
        require_membership(PG_GETARG_OID(1));
        // An error puts it back, as the end of the (sub)transaction does.
        SetUserIdAndSecContext(PG_GETARG_OID(1), security_context | SECURITY_LOCAL_USERID_CHANGE);
    }
    Report report{.result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo), .text = sql,
                  .statement = 0, .functions = NIL, .relations = NIL,
                  .entries = NIL};
    ErrorContextCallback callback{error_context_stack, point_into_text, sql};
    error_context_stack = &callback;
    ListCell* cell;
    foreach (cell, raw_parser(sql, RAW_PARSE_DEFAULT)) {
        report.statement++;
        report.functions = report.relations = NIL;
        report_statement(report, lfirst_node(RawStmt, cell));
    }
    error_context_stack = callback.previous;
    SetUserIdAndSecContext(caller, security_context);
    return Datum{0};
}
