// See the header.
#include "guard/isolation_shield.h"

#include "catalog/installation.h"
#include "enforcement/refusal.h"
#include "pg/function.h"
#include "policy/attribute_condition.h"
#include "policy/isolation_qual.h"
#include "policy/relation_class.h"

extern "C" {
#include "catalog/dependency.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "nodes/makefuncs.h"
#include "executor/spi.h"
}

namespace tg::guard {

namespace {

using enforcement::Guarding;
using enforcement::refuse;

bool is_ready() {
    return catalog::installation().state == catalog::InstallationState::ready;
}

bool is_own_policy(const char* name) {
    return policy::isolation_policy_name == name || policy::access_policy_name == name;
}

policy::Declaration declaration_of(const RangeVar* name, Oid& relation_out) {
    relation_out = RangeVarGetRelid(name, NoLock, true);
    return OidIsValid(relation_out) ? policy::read_declaration(relation_out) : policy::Declaration{};
}

void refuse_change(Oid relation, const char* what) {
    const char* name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
                                                  get_rel_name(relation));
    refuse(Guarding::refuse,
           {.message = psprintf("relation \"%s\" is protected for tenant isolation", name),
            .detail = psprintf("%s would take the isolation away.", what),
            .hint = psprintf("Run SELECT tenant_guard.unprotect(%s) first.", quote_literal_cstr(name)),
            .object = name});
}

// Other than the tenant column it can be given up by itself.
void check_restricted_column(Oid relation, const char* column, const char* what) {
    if (!column || !policy::is_restricted_column(relation, column)) return;
    const char* name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
                                                  get_rel_name(relation));
    refuse(Guarding::refuse,
           {.message = psprintf("relation \"%s\" is restricted by attribute", name),
            .detail = psprintf("%s column \"%s\" would take the restriction away.", what, column),
            .hint = psprintf("Run SELECT tenant_guard.unrestrict(%s, %s) first.", quote_literal_cstr(name),
                             quote_literal_cstr(column)),
            .object = name});
}

void check_alter_table(const AlterTableStmt* alter) {
    if (alter->objtype != OBJECT_TABLE) return;
    Oid relation;
    const policy::Declaration declared = declaration_of(alter->relation, relation);
    if (!declared.is_protected) return;
    ListCell* cell;
    foreach (cell, alter->cmds) {
        const auto* command = lfirst_node(AlterTableCmd, cell);
        const bool is_tenant_column =
            command->name && std::strcmp(command->name, NameStr(declared.tenant_column)) == 0;
        switch (command->subtype) {
            case AT_DisableRowSecurity:
                refuse_change(relation, "DISABLE ROW LEVEL SECURITY");
                break;
            case AT_NoForceRowSecurity:
                refuse_change(relation, "NO FORCE ROW LEVEL SECURITY");
                break;
            case AT_DropColumn:
                if (is_tenant_column) refuse_change(relation, "Dropping the tenant column");
                check_restricted_column(relation, command->name, "Dropping");
                break;
            case AT_DropConstraint:
                if (declared.is_derived && command->name &&
                    std::strcmp(command->name, NameStr(declared.parent_constraint)) == 0)
                    refuse_change(relation, "Dropping the foreign key to its parent");
                break;
            case AT_AlterColumnType:
                if (is_tenant_column) refuse_change(relation, "Changing the type of the tenant column");
                check_restricted_column(relation, command->name, "Changing the type of");
                break;
            default:
                break;
        }
    }
}

void check_policy(const RangeVar* table, const char* policy_name, const char* what) {
    if (!is_own_policy(policy_name)) return;
    Oid relation;
    if (declaration_of(table, relation).is_protected) refuse_change(relation, what);
}

void check_drop_policies(const DropStmt* drop) {
    ListCell* cell;
    foreach (cell, drop->objects) {
        List* names = lfirst_node(List, cell);  // the relation's name, and the policy's at the end
        if (list_length(names) < 2) continue;
        List* table = list_truncate(list_copy(names), list_length(names) - 1);
        check_policy(makeRangeVarFromNameList(table), strVal(llast(names)), "DROP POLICY");
    }
}

void check_rename(const RenameStmt* rename) {
    if (rename->renameType == OBJECT_POLICY)
        check_policy(rename->relation, rename->subname, "Renaming the policy");
    if (!rename->relation) return;
    Oid relation;
    const policy::Declaration declared = declaration_of(rename->relation, relation);
    if (rename->renameType == OBJECT_TABCONSTRAINT && declared.is_derived &&
        std::strcmp(rename->subname, NameStr(declared.parent_constraint)) == 0)
        refuse_change(relation, "Renaming the foreign key to its parent");
    if (rename->renameType != OBJECT_COLUMN) return;
    if (declared.is_protected && std::strcmp(rename->subname, NameStr(declared.tenant_column)) == 0)
        refuse_change(relation, "Renaming the tenant column");
    if (declared.is_protected) check_restricted_column(relation, rename->subname, "Renaming");
}

bool names_extension(const DropStmt* drop) {
    if (drop->removeType != OBJECT_EXTENSION) return false;
    ListCell* cell;
    foreach (cell, drop->objects)
        if (std::strcmp(strVal(lfirst(cell)), "tenant_guard") == 0) return true;
    return false;
}

bool is_of_extension(Oid relation) {
    return get_rel_namespace(relation) == catalog::installation().schema &&
           getExtensionOfObject(RelationRelationId, relation) == get_extension_oid("tenant_guard", true);
}

// DROP EXTENSION ... CASCADE takes our policies along with the functions they call. A relation with
// permissive policies of its own would then be open: each gets a policy that refuses every row.
// Without CASCADE it is refused while anything is protected.
void prepare_drop(const DropStmt* drop) {
    if (!names_extension(drop)) return;
    SPI_connect();
    const char* preparation = drop->behavior == DROP_CASCADE
                                  ? "SELECT tenant_guard.close_protected_relations()"
                                  : "SELECT tenant_guard.require_nothing_protected()";
    if (SPI_execute(preparation, false, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not prepare for DROP EXTENSION");
    SPI_finish();
}

}  // namespace

void check_isolation_shield(Node* statement) {
    switch (nodeTag(statement)) {
        case T_AlterTableStmt:
            if (is_ready()) check_alter_table(reinterpret_cast<const AlterTableStmt*>(statement));
            break;
        case T_AlterPolicyStmt: {
            const auto* alter = reinterpret_cast<const AlterPolicyStmt*>(statement);
            if (is_ready()) check_policy(alter->table, alter->policy_name, "ALTER POLICY");
            break;
        }
        case T_RenameStmt:
            if (is_ready()) check_rename(reinterpret_cast<const RenameStmt*>(statement));
            break;
        case T_DropStmt: {
            const auto* drop = reinterpret_cast<const DropStmt*>(statement);
            if (drop->removeType == OBJECT_POLICY && is_ready()) check_drop_policies(drop);
            if (is_ready()) prepare_drop(drop);
            break;
        }
        default:
            break;
    }
}

bool may_drop_extension(Node* statement) {
    bool cascades = false;
    if (IsA(statement, DropStmt)) {
        const auto* drop = reinterpret_cast<const DropStmt*>(statement);
        cascades = drop->behavior == DROP_CASCADE && !names_extension(drop);
    }
    if (IsA(statement, DropOwnedStmt))
        cascades = reinterpret_cast<const DropOwnedStmt*>(statement)->behavior == DROP_CASCADE;
    return cascades && is_ready();
}

void check_extension_remains() {
    if (catalog::installation().state != catalog::InstallationState::absent) return;
    refuse(Guarding::refuse,
           {.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            .message = "extension \"tenant_guard\" cannot be dropped by CASCADE from elsewhere",
            .detail = "The relations it protects would be left without isolation.",
            .hint = "Run DROP EXTENSION tenant_guard CASCADE, which closes them, first.",
            .object = "tenant_guard"});
}

bool is_repeated_policy(Node* statement) {
    if (!IsA(statement, CreatePolicyStmt) || !is_ready()) return false;
    const auto* create = reinterpret_cast<const CreatePolicyStmt*>(statement);
    if (!is_own_policy(create->policy_name)) return false;
    Oid relation;
    if (!declaration_of(create->table, relation).is_protected) return false;
    return OidIsValid(get_relation_policy_oid(relation, create->policy_name, true));
}

bool switches_own_triggers(Node* statement) {
    if (!IsA(statement, AlterTableStmt) || !is_ready()) return false;
    const auto* alter = reinterpret_cast<const AlterTableStmt*>(statement);
    ListCell* cell;
    foreach (cell, alter->cmds) {
        const AlterTableType command = lfirst_node(AlterTableCmd, cell)->subtype;
        if (command != AT_DisableTrigAll && command != AT_EnableTrigAll) return false;
    }
    const Oid relation = RangeVarGetRelid(alter->relation, NoLock, true);
    if (!OidIsValid(relation) || !is_of_extension(relation)) return false;
    ereport(NOTICE, (errmsg("triggers of relation \"tenant_guard.%s\" stay as they are", get_rel_name(relation)),
                     errdetail("They make a change of it known to all sessions.")));
    return true;
}

void renew_repeated_policy(Node* statement) {
    const auto* create = reinterpret_cast<const CreatePolicyStmt*>(statement);
    if (policy::isolation_policy_name != create->policy_name) return;
    Relation relation = table_openrv(create->table, AccessShareLock);
    const bool is_narrowed = policy::is_narrowed_isolation(relation, create->qual) &&
                             (!create->with_check || policy::is_narrowed_isolation(relation, create->with_check));
    table_close(relation, AccessShareLock);
    if (!is_narrowed) return;
    auto* alter = makeNode(AlterPolicyStmt);
    alter->policy_name = create->policy_name;
    alter->table = create->table;
    alter->qual = create->qual;
    alter->with_check = create->with_check;
    AlterPolicy(alter);
}

}  // namespace tg::guard

// By the event triggers that look at what DDL did to relations it did not name.
TG_FUNCTION(tenant_guard_refuse_lost_isolation) {
    if (PG_NARGS() != 2 || PG_ARGISNULL(0) || PG_ARGISNULL(1)) elog(ERROR, "unexpected arguments");
    tg::guard::refuse_change(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
    PG_RETURN_VOID();
}
