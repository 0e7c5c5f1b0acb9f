// See the header.
#include "guard/untrusted_relations.h"

#include "enforcement/profile.h"
#include "enforcement/refusal.h"

namespace tg::guard {

namespace {

using enforcement::Guarding;
using policy::RelationClass;

struct OpenCatalog {
    const char* name;
    const char* why;
};

constexpr OpenCatalog open_catalogs[] = {
    {"pg_collation", "The sort orders of PostgreSQL and the operating system."},
    {"pg_timezone_abbrevs", "The time zones of PostgreSQL."},
    {"pg_timezone_names", "The time zones of PostgreSQL."},
    {"pg_ts_config", "The languages of text search."},
};

bool is_open(Oid catalog) {
    for (const OpenCatalog& open : open_catalogs)
        if (get_relname_relid(open.name, PG_CATALOG_NAMESPACE) == catalog) return true;
    return false;
}

// The guard's own objects are for administrators.
bool is_closed(Oid relation, RelationClass found) {
    if (found == RelationClass::own) return true;
    return get_rel_namespace(relation) == PG_CATALOG_NAMESPACE && !is_open(relation);
}

}  // namespace

bool refuses_untrusted_relation(const pg::RelationAccess& access, RelationClass found) {
    const Guarding mode = enforcement::guarding_untrusted();
    if (mode == Guarding::none) return false;
    // Read as the owner of a view, it shows what the view was made to show.
    if (access.role != GetOuterUserId() || !is_closed(access.relation, found)) return false;
    const char* name = get_rel_name(access.relation);
    enforcement::refuse(
        mode, {.message = psprintf("relation \"%s\" is not open to an untrusted transaction",
                                   name ? name : "?"),
               .detail = "Catalogs show objects on which the role has no rights.",
               .hint = "Use the views of information_schema.",
               .object = name});
    return true;
}

}  // namespace tg::guard
