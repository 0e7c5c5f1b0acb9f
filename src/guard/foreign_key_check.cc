// See the header.
#include "guard/foreign_key_check.h"

namespace tg::guard {

namespace {

bool is_foreign_key(const Node* definition) {
    return definition && IsA(definition, Constraint) &&
           reinterpret_cast<const Constraint*>(definition)->contype == CONSTR_FOREIGN;
}

// ALTER TABLE ... ADD COLUMN ... DEFAULT ... REFERENCES: the rows that are there get the default.
bool has_foreign_key(const Node* definition) {
    if (!definition || !IsA(definition, ColumnDef)) return false;
    const ListCell* cell;
    foreach (cell, reinterpret_cast<const ColumnDef*>(definition)->constraints) {
        if (is_foreign_key(static_cast<const Node*>(lfirst(cell)))) return true;
    }
    return false;
}

}  // namespace

bool may_check_foreign_key(const Node* statement) {
    if (!IsA(statement, AlterTableStmt)) return false;
    const ListCell* cell;
    foreach (cell, reinterpret_cast<const AlterTableStmt*>(statement)->cmds) {
        const auto* command = lfirst_node(AlterTableCmd, cell);
        switch (command->subtype) {
            case AT_AddConstraint:
                if (is_foreign_key(command->def)) return true;
                break;
            case AT_AddColumn:
                if (has_foreign_key(command->def)) return true;
                break;
            case AT_ValidateConstraint:
            case AT_AttachPartition:
                return true;
            default:
                break;
        }
    }
    return false;
}

}  // namespace tg::guard
