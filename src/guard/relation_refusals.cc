// See the header.
#include "guard/relation_refusals.h"

#include "enforcement/refusal.h"
#include "guard/foreign_key_query.h"
#include "guard/vouchers.h"
#include "policy/settings.h"
#include "policy/system_catalogs.h"

namespace tg::guard {

using enforcement::Guarding;
using enforcement::refuse;

using policy::RelationClass;

namespace {

const char* kind_word(char relkind) {
    switch (relkind) {
        case RELKIND_PARTITIONED_TABLE:
            return "partitioned table";
        case RELKIND_MATVIEW:
            return "materialized view";
        case RELKIND_FOREIGN_TABLE:
            return "foreign table";
        case RELKIND_SEQUENCE:
            return "sequence";
        default:
            return "table";
    }
}

void refuse_unprotected(Guarding guarding, Oid relation, const char* name) {
    const char* column = policy::tenant_column_name();
    const bool has_column = get_attnum(relation, column) != InvalidAttrNumber;
    const char relkind = get_rel_relkind(relation);
    const bool can_have_policies = relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
    const char* literal = quote_literal_cstr(name);
    const char* hint;
    if (!can_have_policies && has_column)
        hint = psprintf("Row security is not possible on it: run SELECT * FROM tenant_guard.secure_view(%s) and "
                        "read the view that it makes, or declare_shared() if it is reference data.",
                        literal);
    else if (!can_have_policies)
        hint = psprintf("Row security is not possible on it: read a view over protected tables "
                        "instead, or run SELECT tenant_guard.declare_shared(%s, 'reason') if it is "
                        "reference data.",
                        literal);
    else if (has_column)
        hint = psprintf("Run SELECT tenant_guard.protect(%s), or declare_shared() if it is reference "
                        "data.",
                        literal);
    else
        hint = psprintf("Add a tenant column and run SELECT tenant_guard.protect(%s, 'column'), or "
                        "run SELECT tenant_guard.declare_shared(%s, 'reason') if it is reference "
                        "data.",
                        literal, literal);
    refuse(guarding,
           {.message = psprintf("relation \"%s\" is not protected for tenant isolation", name),
            .detail = psprintf("It is a %s %s a column \"%s\" and %s.", kind_word(relkind),
                               has_column ? "with" : "without", column,
                               policy::has_row_security(relation)
                                   ? "with row security that tenant_guard does not manage"
                                   : (has_column ? "no row security" : "without row security")),
            .hint = hint,
            .object = name});
}

void refuse_isolation_off(Guarding guarding, Oid, const char* name) {
    refuse(guarding, {.message = psprintf("tenant isolation of relation \"%s\" is switched off", name),
                      .detail = "It is declared protected, but row security is disabled or not "
                                "forced on it, its tenant column is gone, or a foreign table is a part of it.",
                      .hint = psprintf("Run SELECT tenant_guard.protect(%s).", quote_literal_cstr(name)),
                      .object = name});
}

void refuse_in_foreign_key(Guarding guarding, const char* name) {
    refuse(guarding, {.message = psprintf("row security of relation \"%s\" does not apply", name),
                      .detail = "It is read while a foreign key changes rows, by a check, a default or a BEFORE "
                                "trigger, as the owner of the relation: PostgreSQL does not force row security "
                                "on owners meanwhile.",
                      .hint = "Read it in an AFTER trigger.",
                      .object = name});
}

void refuse_bypassed(Guarding guarding, Oid role, const char* name) {
    const char* role_name = GetUserNameFromId(role, true);
    const char* lost_voucher = vouching_detail(role);
    const char* vouching = vouching_hint(role);
    refuse(guarding,
           {.message = psprintf("row security of relation \"%s\" does not apply", name),
            .detail = psprintf("It is read as role \"%s\", which is a superuser or has BYPASSRLS, so "
                               "the rows of every tenant would be visible.%s%s",
                               role_name ? role_name : "?", lost_voucher ? " " : "",
                               lost_voucher ? lost_voucher : ""),
            .hint = vouching ? vouching
                             : "Read it as a role without these rights: log in as another role, or "
                               "change the owner of the view or function through which it is read.",
            .object = name});
}

void refuse_without_context(Guarding guarding, const char* name) {
    refuse(guarding, {.sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                      .message = psprintf("no tenant is authenticated for relation \"%s\"", name),
                      .detail = "The relation is isolated by tenant, and this transaction has not "
                                "presented a token.",
                      .hint = "Run SELECT tenant_guard.authenticate(jwt) first, in the same transaction.",
                      .object = name});
}

}  // namespace

const char* qualified_name(Oid relation) {
    const char* name = get_rel_name(relation);
    if (!name) return psprintf("%u", relation);
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

void refuse_access(Guarding guarding, RelationClass found, const pg::RelationAccess& access,
                   const char* name) {
    switch (found) {
        case RelationClass::isolated:
            refuse_without_context(guarding, name);
            return;
        case RelationClass::shared:
            refuse(guarding,
                   {.message = psprintf("relation \"%s\" is shared and cannot be changed", name),
                    .detail = "It is reference data that every tenant reads; a change or a row lock "
                              "would reach all of them.",
                    .hint = psprintf("Change it as an administrator, or run SELECT "
                                     "tenant_guard.declare_shared(%s, 'reason', writable => true).",
                                     quote_literal_cstr(name)),
                    .object = name});
            return;
        case RelationClass::isolation_off:
            refuse_isolation_off(guarding, access.relation, name);
            return;
        case RelationClass::isolation_bypassed:
            if (is_unforced_on_owner(access.relation, access.role))
                refuse_in_foreign_key(guarding, name);
            else
                refuse_bypassed(guarding, access.role, name);
            return;
        case RelationClass::temporary:
            refuse(guarding,
                   {.message = psprintf("temporary table \"%s\" is not of this transaction", name),
                    .detail = "It was made by an earlier transaction of this connection, perhaps for "
                              "another tenant.",
                    .hint = "Run DISCARD ALL outside a transaction, and create temporary tables with "
                            "ON COMMIT DROP.",
                    .object = name});
            return;
        case RelationClass::temporary_foreign:
            refuse(guarding,
                   {.message = psprintf("temporary table \"%s\" is of another session", name),
                    .detail = "Temporary tables belong to the transaction that made them.",
                    .hint = "Create a temporary table of your own with ON COMMIT DROP.",
                    .object = name});
            return;
        case RelationClass::system_refused: {
            const char* why = policy::why_refused(access.relation);
            refuse(guarding, {.message = psprintf("catalog \"%s\" tells about other tenants", name),
                              .detail = why ? why : "TOAST tables hold rows of every tenant.",
                              .hint = "Ask an administrator.",
                              .object = name});
            return;
        }
        case RelationClass::sequence:
            refuse(guarding,
                   {.message = psprintf("sequence \"%s\" tells about other tenants", name),
                    .detail = "Its last value shows how many rows all tenants together have made.",
                    .hint = "Use nextval(), or a column default.",
                    .object = name});
            return;
        default:
            refuse_unprotected(guarding, access.relation, name);
            return;
    }
}

}  // namespace tg::guard
