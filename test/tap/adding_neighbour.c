/*
 * A neighbour that does what none should: its planner hook adds a relation to the list of those that a finished plan reads,
 * in place. Preloaded after tenant_guard it is called around it, and so after it.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "optimizer/planner.h"

PG_MODULE_MAGIC;

static planner_hook_type next_planner = NULL;

static void
add_relation(PlannedStmt *planned, Oid relation)
{
    RangeTblEntry *entry = makeNode(RangeTblEntry);

    entry->rtekind = RTE_RELATION;
    entry->relid = relation;
    entry->relkind = RELKIND_RELATION;
    entry->rellockmode = AccessShareLock;
#if PG_VERSION_NUM >= 160000
    {
        RTEPermissionInfo *permissions = makeNode(RTEPermissionInfo);

        permissions->relid = relation;
        permissions->requiredPerms = ACL_SELECT;
        planned->permInfos = lappend(planned->permInfos, permissions);
    }
#else
    entry->requiredPerms = ACL_SELECT;
    planned->rtable = lappend(planned->rtable, entry);
#endif
}

static PlannedStmt *
plan(Query *query, const char *text, int cursor_options, ParamListInfo parameters)
{
    PlannedStmt *planned = next_planner(query, text, cursor_options, parameters);

    if (text && strstr(text, "/* and another */"))
        add_relation(planned, RelnameGetRelid("customer_names"));
    return planned;
}

void _PG_init(void);

void
_PG_init(void)
{
    next_planner = planner_hook ? planner_hook : standard_planner;
    planner_hook = plan;
}
