// See the header. The catalogs are data: one row each, with the reason that becomes the DETAIL.
#include "policy/system_catalogs.h"

extern "C" {
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_largeobject_metadata.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_user_mapping.h"
}

namespace tg::policy {

namespace {

struct RefusedCatalog {
    Oid relation;
    const char* why;
};

constexpr RefusedCatalog refused_catalogs[] = {
    {StatisticRelationId, "Its histograms hold values of every tenant's rows."},
    {StatisticExtDataRelationId, "Its histograms hold values of every tenant's rows."},
    {LargeObjectRelationId, "Large objects have no tenant."},
    {LargeObjectMetadataRelationId, "Large objects have no tenant."},
    {DbRoleSettingRelationId, "It shows the settings of every role, the guard's among them."},
    {UserMappingRelationId, "It holds credentials for other servers."},
    {ForeignServerRelationId, "It holds the addresses of other servers."},
    {SubscriptionRelationId, "It holds credentials for other servers."},
};

}  // namespace

const char* why_refused(Oid relation) {
    for (const RefusedCatalog& entry : refused_catalogs)
        if (entry.relation == relation) return entry.why;
    return nullptr;
}

bool is_refused_catalog(Oid relation) { return why_refused(relation) != nullptr; }

bool is_information_schema(Oid schema) {
    return schema == get_namespace_oid("information_schema", true);
}

}  // namespace tg::policy
