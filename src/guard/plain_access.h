// What most accesses are: to relations that are allowed by their class alone, in a transaction that has authenticated. In
// line, since it is asked of every statement.
#pragma once

#include "context/tenant_context.h"
#include "enforcement/profile.h"
#include "pg/compat.h"
#include "policy/relation_class.h"

namespace tg::guard {

constexpr AclMode writing = ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;

inline bool is_plainly_allowed(policy::RelationClass found, AclMode permissions) {
    using policy::RelationClass;
    switch (found) {
        case RelationClass::system:
        case RelationClass::own:
        case RelationClass::view:
        case RelationClass::shared_writable:
        case RelationClass::isolated:
            return true;
        case RelationClass::shared:
            return (permissions & writing) == 0;
        default:
            return false;
    }
}

// Whether the class is all that counts. An owner on whom row security is not forced, which is the time of a foreign key's
// action, may be one to whom it does not apply.
inline bool is_class_enough(bool is_unforced_on_owners) {
    return context::current() && !enforcement::is_untrusted() && !is_unforced_on_owners;
}

// Without looking anything up: of the relation whose class was asked for last.
inline bool is_known_to_be_allowed(const void* entry, Oid user) {
    pg::RelationAccess access;
    if (!pg::read_access(entry, user, access)) return true;
    return policy::is_last(access.relation, access.role) &&
           is_plainly_allowed(policy::state::last.relation_class, access.permissions);
}

// Of entries that are some.
inline bool are_known_to_be_allowed(const List* entries, Oid user) {
    for (int i = 0; i < entries->length; i++)
        if (!is_known_to_be_allowed(list_nth(entries, i), user)) return false;
    return true;
}

}  // namespace tg::guard
