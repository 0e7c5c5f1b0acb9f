// The event trigger's entry. Only here is the statement known as a tree: an ALTER TABLE protects a
// table that gets its tenant column by it, and leaves alone one that an administrator unprotected.
#include "catalog/installation.h"
#include "pg/function.h"
#include "pg/refuse.h"
#include "policy/current_declarations.h"
#include "policy/settings.h"

extern "C" {
#include "access/relation.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
}

namespace {

using namespace tg;

// What a statement can do to which tables are to be protected. Most ALTER TABLEs, our own among them, do nothing.
struct Effect {
    bool makes_or_joins;  // a table, or a partition or child of one
    bool may_join_foreign;  // a foreign table could become a partition or child
    bool brings_tenant_column;
    bool renames_column;
    const char* attached;  // the name of a partition that joins: the search_path it was found by is not ours
};

bool is_tenant_column(const char* name) { return std::strcmp(name, policy::tenant_column_name()) == 0; }

Effect effect_of(const AlterTableStmt* alter) {
    Effect effect{};
    ListCell* cell;
    foreach (cell, alter->cmds) {
        const auto* command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_AddColumn)
            effect.brings_tenant_column |= is_tenant_column(castNode(ColumnDef, command->def)->colname);
        if (command->subtype == AT_AttachPartition || command->subtype == AT_AddInherit)
            effect.makes_or_joins = effect.may_join_foreign = true;
        if (command->subtype == AT_AttachPartition)
            effect.attached = castNode(PartitionCmd, command->def)->name->relname;
    }
    return effect;
}

// A column also comes and changes its name by the type that a table is made of.
Effect effect_of(const Node* statement) {
    switch (nodeTag(statement)) {
        case T_CreateStmt:
        case T_CreateTableAsStmt:
        case T_CreateSchemaStmt:
            return {.makes_or_joins = true,
                    .may_join_foreign = false,
                    .brings_tenant_column = true,
                    .renames_column = false,
                    .attached = nullptr};
        case T_CreateForeignTableStmt:
            return {.makes_or_joins = true,
                    .may_join_foreign = true,
                    .brings_tenant_column = false,
                    .renames_column = false,
                    .attached = nullptr};
        case T_AlterTableStmt:
            return effect_of(reinterpret_cast<const AlterTableStmt*>(statement));
        case T_RenameStmt: {
            const auto* rename = reinterpret_cast<const RenameStmt*>(statement);
            if (rename->renameType != OBJECT_COLUMN && rename->renameType != OBJECT_ATTRIBUTE) return {};
            return {.makes_or_joins = false,
                    .may_join_foreign = false,
                    .brings_tenant_column = is_tenant_column(rename->newname),
                    .renames_column = true,
                    .attached = nullptr};
        }
        default:
            return {};  // ALTER TABLE ... SET SCHEMA, ALTER TABLE ALL IN TABLESPACE
    }
}

void require_tenant_columns() {
    SPI_connect();
    if (SPI_execute("SELECT tenant_guard.require_tenant_columns()", false, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not look for tenant columns");
    SPI_finish();
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

void protect_attached(const char* partition) {
    Oid types[] = {NAMEOID};
    Datum values[] = {DirectFunctionCall1(namein, CStringGetDatum(partition))};
    SPI_connect();
    if (SPI_execute_with_args("SELECT tenant_guard.protect_attached($1)", 1, types, values, nullptr, false, 0) !=
        SPI_OK_SELECT)
        elog(ERROR, "could not protect an attached partition");
    SPI_finish();
}

}  // namespace

TG_FUNCTION(tenant_guard_ddl_command_end) {
    if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("function \"%s\" must be called as an event trigger",
                               get_func_name(fcinfo->flinfo->fn_oid))));
    pg::require_preloaded();
    // Tables of an extension are its own affair: they stay unprotected, which the guard refuses. Our own script must
    // not meet functions that it is about to make.
    if (creating_extension) PG_RETURN_NULL();
    if (catalog::installation().state == catalog::InstallationState::other_version)
        catalog::require_installation();
    const auto* event = reinterpret_cast<const EventTriggerData*>(fcinfo->context);
    const Effect effect = effect_of(event->parsetree);
    if (effect.makes_or_joins || effect.brings_tenant_column || effect.renames_column)
        policy::require_current_declarations();
    if (effect.renames_column) require_tenant_columns();
    if (!policy::auto_protects() && !effect.may_join_foreign) PG_RETURN_NULL();
    if (effect.attached)
        protect_attached(effect.attached);
    else if (effect.makes_or_joins || effect.brings_tenant_column)
        protect_new_relations(effect.brings_tenant_column);
    PG_RETURN_NULL();
}

TG_FUNCTION(tenant_guard_is_locked) {
    Relation relation = relation_open(PG_GETARG_OID(0), AccessShareLock);
    const bool is_locked = CheckRelationLockedByMe(relation, AccessExclusiveLock, true);
    relation_close(relation, AccessShareLock);
    PG_RETURN_BOOL(is_locked);
}
