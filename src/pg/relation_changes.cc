// See the header.
#include "pg/relation_changes.h"

#include "pg/verdict_basis.h"

namespace tg::pg {

namespace {

std::array<RelcacheCallbackFunction, 24> callbacks;
std::size_t count = 0;

void pass_on(Datum, Oid relation) {
    change_verdict_basis();
    for (std::size_t i = 0; i < count; i++) callbacks[i](Datum{0}, relation);
}

}  // namespace

void on_relation_changes(RelcacheCallbackFunction callback) {
    if (count == callbacks.size()) elog(FATAL, "tenant_guard: out of places for callbacks");
    if (count == 0) CacheRegisterRelcacheCallback(pass_on, Datum{0});
    callbacks[count++] = callback;
}

}  // namespace tg::pg
