// See the header.
#include "guard/statement_rules.h"

#include "enforcement/refusal.h"
#include "guard/relations.h"
#include "guard/setting_rules.h"
#include "guard/shadowed_names.h"
#include "session/undoing.h"

extern "C" {
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/relcache.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::refuse;
using session::is_undone_at_end;
using session::Remnant;

void refuse_command(Guarding guarding, const Node* statement, const char* detail, const char* hint) {
    const char* command = CreateCommandName(const_cast<Node*>(statement));
    refuse(guarding, {.message = psprintf("%s is not allowed in a guarded transaction", command),
                      .detail = detail,
                      .hint = hint,
                      .object = command});
}

bool is_new_temporary(Oid relation) {
    if (!OidIsValid(relation)) return true;  // the server will say that it does not exist
    Relation opened = RelationIdGetRelation(relation);
    if (!RelationIsValid(opened)) return true;
    const Oid parent = opened->rd_rel->relkind == RELKIND_INDEX ? opened->rd_index->indrelid : InvalidOid;
    const bool is_new = opened->rd_rel->relpersistence == RELPERSISTENCE_TEMP &&
                        opened->rd_createSubid != InvalidSubTransactionId;
    RelationClose(opened);
    return is_new && (!OidIsValid(parent) || is_new_temporary(parent));
}

bool is_new_temporary(const RangeVar* name) {
    return is_new_temporary(RangeVarGetRelid(name, NoLock, true));
}

constexpr const char* own_tables_only =
    "It reaches objects that other tenants use. Only temporary tables made in this transaction may "
    "be changed.";
constexpr const char* as_owner = "Run it outside guarded transactions, as the owner of the object.";

bool is_temporary_name(const RangeVar* name) {
    return name->relpersistence == RELPERSISTENCE_TEMP ||
           (name->schemaname && std::strcmp(name->schemaname, "pg_temp") == 0);
}

bool is_transaction_local(const RangeVar* name, OnCommitAction on_commit) {
    return is_temporary_name(name) && on_commit == ONCOMMIT_DROP;
}

// Under tenant_guard.session_state = reset the end of the transaction drops it.
bool is_dropped_at_end(Guarding guarding, const RangeVar* name) {
    return is_temporary_name(name) && is_undone_at_end(guarding, Remnant::temporary_object);
}

void check_temporary_name(Guarding guarding, const Node* statement, const RangeVar* name) {
    if (const char* hidden = type_hidden_by(name->relname))
        refuse_command(guarding, statement,
                       psprintf("It would hide type %s, also from functions that remember which type they "
                                "found.",
                                hidden),
                       "Choose a name that no type of the database has.");
}

void check_new_table(Guarding guarding, const Node* statement, const RangeVar* name,
                     OnCommitAction on_commit) {
    if (is_transaction_local(name, on_commit) || is_dropped_at_end(guarding, name))
        return check_temporary_name(guarding, statement, name);
    refuse_command(guarding, statement,
                   "The table would outlive the transaction and reach the next user of the connection "
                   "or of the role.",
                   "Use CREATE TEMPORARY TABLE ... ON COMMIT DROP, or create the table outside guarded "
                   "transactions, as its owner.");
}

void check_create_table(Guarding guarding, const Node* statement) {
    const auto* create = reinterpret_cast<const CreateStmt*>(statement);
    if (create->inhRelations != NIL)
        refuse_command(guarding, statement, "A child table takes part in queries of its parent.", as_owner);
    else
        check_new_table(guarding, statement, create->relation, create->oncommit);
}

void check_create_table_as(Guarding guarding, const Node* statement) {
    const auto* create = reinterpret_cast<const CreateTableAsStmt*>(statement);
    check_new_table(guarding, statement, create->into->rel, create->into->onCommit);
}

// A view or sequence has no ON COMMIT DROP.
void check_new_object(Guarding guarding, const Node* statement, const RangeVar* name) {
    if (is_dropped_at_end(guarding, name)) return check_temporary_name(guarding, statement, name);
    refuse_command(guarding, statement,
                   "It would outlive the transaction and reach the next user of the connection or of the role.",
                   as_owner);
}

void check_create_view(Guarding guarding, const Node* statement) {
    check_new_object(guarding, statement, reinterpret_cast<const ViewStmt*>(statement)->view);
}

void check_create_sequence(Guarding guarding, const Node* statement) {
    check_new_object(guarding, statement, reinterpret_cast<const CreateSeqStmt*>(statement)->sequence);
}

void check_index(Guarding guarding, const Node* statement) {
    if (!is_new_temporary(reinterpret_cast<const IndexStmt*>(statement)->relation))
        refuse_command(guarding, statement, own_tables_only, as_owner);
}

void check_alter_table(Guarding guarding, const Node* statement) {
    if (!is_new_temporary(reinterpret_cast<const AlterTableStmt*>(statement)->relation))
        refuse_command(guarding, statement, own_tables_only, as_owner);
}

void check_drop(Guarding guarding, const Node* statement) {
    const auto* drop = reinterpret_cast<const DropStmt*>(statement);
    bool is_own = drop->removeType == OBJECT_TABLE || drop->removeType == OBJECT_INDEX ||
                  drop->removeType == OBJECT_VIEW || drop->removeType == OBJECT_SEQUENCE;
    ListCell* cell;
    if (is_own)
        foreach (cell, drop->objects)
            is_own = is_own && is_new_temporary(makeRangeVarFromNameList(lfirst_node(List, cell)));
    if (!is_own) refuse_command(guarding, statement, own_tables_only, as_owner);
}

void check_truncate(Guarding guarding, const Node* statement) {
    ListCell* cell;
    foreach (cell, reinterpret_cast<const TruncateStmt*>(statement)->relations)
        if (!is_new_temporary(lfirst_node(RangeVar, cell))) {
            refuse_command(guarding, statement, "TRUNCATE removes the rows of every tenant.",
                           "Use DELETE.");
            return;
        }
}

void check_lock(Guarding guarding, const Node* statement) {
    const auto* lock = reinterpret_cast<const LockStmt*>(statement);
    if (lock->mode > RowExclusiveLock) {
        refuse_command(guarding, statement, "The lock would block every tenant.",
                       "Use SELECT ... FOR UPDATE, which locks rows, or pg_advisory_xact_lock().");
        return;
    }
    ListCell* cell;
    foreach (cell, lock->relations) {
        const Oid relation = RangeVarGetRelid(lfirst_node(RangeVar, cell), NoLock, true);
        if (!OidIsValid(relation)) continue;
        if (get_rel_relkind(relation) == RELKIND_VIEW)
            refuse_command(guarding, statement, "Locking a view locks the tables that it reads.",
                           "Lock the tables themselves.");
        else
            check_relation(relation, GetUserId(), ACL_SELECT);
    }
}

// Plain COPY of a relation meets the permission hook; here only what leaves the database.
void check_copy(Guarding guarding, const Node* statement) {
    const auto* copy = reinterpret_cast<const CopyStmt*>(statement);
    if (copy->filename || copy->is_program)
        refuse_command(guarding, statement, "It reads or writes files of the server.",
                       "Use COPY ... TO STDOUT or FROM STDIN.");
}

void check_explain(Guarding guarding, const Node* statement) {
    ListCell* cell;
    foreach (cell, reinterpret_cast<const ExplainStmt*>(statement)->options) {
        DefElem* option = lfirst_node(DefElem, cell);
        if (std::strcmp(option->defname, "analyze") == 0 && defGetBoolean(option))
            refuse_command(guarding, statement,
                           "The row counts of EXPLAIN ANALYZE count rows of other tenants.",
                           "Use EXPLAIN without ANALYZE.");
    }
}

void check_cursor(Guarding guarding, const Node* statement) {
    if ((reinterpret_cast<const DeclareCursorStmt*>(statement)->options & CURSOR_OPT_HOLD) &&
        !is_undone_at_end(guarding, Remnant::held_cursor))
        refuse_command(guarding, statement,
                       "A cursor WITH HOLD outlives the transaction and stays on the connection.",
                       "Use a cursor WITHOUT HOLD.");
}

void check_prepare(Guarding guarding, const Node* statement) {
    if (is_undone_at_end(guarding, Remnant::prepared_statement)) return;
    refuse_command(guarding, statement,
                   "A prepared statement outlives the transaction and stays on the connection.",
                   "Let the driver prepare statements through the protocol.");
}

// DEALLOCATE ALL takes away what the driver has prepared, for all tenants.
void check_deallocate(Guarding guarding, const Node* statement) {
    const char* name = reinterpret_cast<const DeallocateStmt*>(statement)->name;
    if (name && is_undone_at_end(guarding, Remnant::prepared_statement)) return;
    refuse_command(guarding, statement,
                   "It reaches statements that were prepared earlier on the connection.",
                   "Let the driver close its statements through the protocol.");
}

void check_listen(Guarding guarding, const Node* statement) {
    if (is_undone_at_end(guarding, Remnant::channel)) return;
    refuse_command(guarding, statement,
                   "LISTEN outlives the transaction and receives what other tenants send.",
                   "Listen on a connection of a role that is not guarded.");
}

// What the block runs is checked when it runs. But other languages have variables that outlive it:
// %_SHARED of PL/Perl, GD of PL/Python.
void check_do(Guarding guarding, const Node* statement) {
    ListCell* cell;
    foreach (cell, reinterpret_cast<const DoStmt*>(statement)->args) {
        const DefElem* option = lfirst_node(DefElem, cell);
        if (std::strcmp(option->defname, "language") == 0 && std::strcmp(strVal(option->arg), "plpgsql") != 0)
            refuse_command(guarding, statement,
                           "The language keeps variables for the session, which would reach the next user "
                           "of the connection.",
                           "Use LANGUAGE plpgsql.");
    }
}

void check_set(Guarding guarding, const Node* statement) {
    check_setting(guarding, reinterpret_cast<const VariableSetStmt*>(statement));
}

void allow(Guarding, const Node*) {}

struct StatementRule {
    NodeTag statement;
    void (*check)(Guarding, const Node*);
};

constexpr StatementRule statement_rules[] = {
    {T_TransactionStmt, allow},
    {T_VariableShowStmt, allow},
    {T_ConstraintsSetStmt, allow},
    {T_FetchStmt, allow},
    {T_ClosePortalStmt, allow},
    {T_ExecuteStmt, allow},  // its plan is checked when it runs
    {T_DoStmt, check_do},
    {T_CallStmt, allow},
    {T_NotifyStmt, allow},
    {T_UnlistenStmt, allow},
    {T_DiscardStmt, allow},  // takes away, leaves nothing; DISCARD ALL is how poolers reset
    {T_VariableSetStmt, check_set},
    {T_DeclareCursorStmt, check_cursor},
    {T_PrepareStmt, check_prepare},
    {T_DeallocateStmt, check_deallocate},
    {T_ListenStmt, check_listen},
    {T_CopyStmt, check_copy},
    {T_ExplainStmt, check_explain},
    {T_LockStmt, check_lock},
    {T_TruncateStmt, check_truncate},
    {T_CreateStmt, check_create_table},
    {T_CreateTableAsStmt, check_create_table_as},
    {T_ViewStmt, check_create_view},
    {T_CreateSeqStmt, check_create_sequence},
    {T_IndexStmt, check_index},
    {T_AlterTableStmt, check_alter_table},
    {T_DropStmt, check_drop},
};

}  // namespace

void check_statement(Guarding guarding, Node* statement) {
    for (const StatementRule& rule : statement_rules)
        if (rule.statement == nodeTag(statement)) return rule.check(guarding, statement);
    refuse_command(guarding, statement,
                   "It would change what other tenants use, or outlive the transaction.", as_owner);
}

}  // namespace tg::guard
