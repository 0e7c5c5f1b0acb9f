// The event trigger's entry. Only here is the statement known as a tree: an ALTER TABLE protects a
// table that gets its tenant column by it, and leaves alone one that an administrator unprotected.
#include "pg/function.h"
#include "pg/refuse.h"
#include "policy/settings.h"

extern "C" {
#include "commands/event_trigger.h"
#include "executor/spi.h"
}

namespace {

using namespace tg;

bool adds_tenant_column(const AlterTableStmt* alter) {
    ListCell* cell;
    foreach (cell, alter->cmds) {
        const auto* command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype != AT_AddColumn) continue;
        const auto* column = castNode(ColumnDef, command->def);
        if (std::strcmp(column->colname, policy::tenant_column_name()) == 0) return true;
    }
    return false;
}

bool brings_tenant_column(const Node* statement) {
    if (IsA(statement, AlterTableStmt))
        return adds_tenant_column(reinterpret_cast<const AlterTableStmt*>(statement));
    if (!IsA(statement, RenameStmt)) return true;  // it makes a table
    const auto* rename = reinterpret_cast<const RenameStmt*>(statement);
    return rename->renameType == OBJECT_COLUMN &&
           std::strcmp(rename->newname, policy::tenant_column_name()) == 0;
}

void protect_new_relations(bool brings_column) {
    Oid types[] = {BOOLOID};
    Datum values[] = {BoolGetDatum(brings_column)};
    SPI_connect();
    if (SPI_execute_with_args("SELECT tenant_guard.protect_new_relations($1)", 1, types, values, nullptr,
                              false, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not protect new relations");
    SPI_finish();
}

}  // namespace

TG_FUNCTION(tenant_guard_ddl_command_end) {
    if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("function \"%s\" must be called as an event trigger",
                               get_func_name(fcinfo->flinfo->fn_oid))));
    pg::require_preloaded();
    const auto* event = reinterpret_cast<const EventTriggerData*>(fcinfo->context);
    if (policy::auto_protects()) protect_new_relations(brings_tenant_column(event->parsetree));
    PG_RETURN_NULL();
}
