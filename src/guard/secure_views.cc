// See the header. A statement lists the relations it reads, and not which view led to which. Each use of the secure view
// brings one entry of the view and one of the relation; another view, a policy or a rule that reads the relation brings an
// entry of the relation alone. So as many of one as of the other, or it is refused.
#include "guard/secure_views.h"

#include "policy/secure_view.h"

namespace tg::guard {

bool is_read_through_secure_view(const pg::RelationAccess& access, List* entries) {
    if (!access.is_by_view) return false;
    const Oid view = policy::secure_view_of(access.relation);
    if (!OidIsValid(view)) return false;
    int uses = 0;
    ListCell* cell;
    foreach (cell, entries) {
        pg::RelationAccess other;
        if (!pg::read_access(lfirst(cell), other)) continue;
        if (other.relation == view && other.permissions == ACL_SELECT) uses++;
        if (other.relation != access.relation) continue;
        if (!other.is_by_view || other.permissions != ACL_SELECT) return false;
        uses--;
    }
    return uses == 0;
}

}  // namespace tg::guard
