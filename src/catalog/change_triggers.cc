// Triggers on the extension's own tables. They send the invalidation that makes every session, and
// every standby, look again: cached plans, classes of relations, keys and roles.
#include "catalog/installation.h"
#include "pg/function.h"

extern "C" {
#include "commands/trigger.h"
#include "executor/spi.h"
}

namespace {

void require_trigger(FunctionCallInfo fcinfo) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("function \"%s\" must be called as a trigger",
                               get_func_name(fcinfo->flinfo->fn_oid))));
}

void invalidate_declared(HeapTuple tuple, TupleDesc shape) {
    bool is_null = false;
    const Datum relation = heap_getattr(tuple, 1, shape, &is_null);
    if (is_null || !SearchSysCacheExists1(RELOID, relation)) return;
    CacheInvalidateRelcacheByRelid(DatumGetObjectId(relation));
}

}  // namespace

// FOR EACH ROW on tenant_guard.relations: the relation that the row declares has changed.
TG_FUNCTION(tenant_guard_declaration_changed) {
    require_trigger(fcinfo);
    const auto* trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
    const TupleDesc shape = RelationGetDescr(trigger->tg_relation);
    invalidate_declared(trigger->tg_trigtuple, shape);
    if (trigger->tg_newtuple) invalidate_declared(trigger->tg_newtuple, shape);
    return PointerGetDatum(nullptr);
}

// FOR EACH STATEMENT: the table itself has changed; for declarations see tells_of_declarations().
TG_FUNCTION(tenant_guard_table_changed) {
    require_trigger(fcinfo);
    const auto* trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
    const tg::catalog::Installation& at = tg::catalog::installation();
    if (RelationGetRelid(trigger->tg_relation) == at.relations && OidIsValid(at.relations_index))
        CacheInvalidateRelcacheByRelid(at.relations_index);
    else
        CacheInvalidateRelcache(trigger->tg_relation);
    return PointerGetDatum(nullptr);
}
