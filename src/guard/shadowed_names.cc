// See the header. In any schema: which of them a function means is for its search_path to say.
#include "guard/shadowed_names.h"

extern "C" {
#include "catalog/namespace.h"
#include "utils/catcache.h"
}

namespace tg::guard {

namespace {

bool is_row_type(const FormData_pg_type& type) {
    return type.typtype == TYPTYPE_COMPOSITE && get_rel_relkind(type.typrelid) != RELKIND_COMPOSITE_TYPE;
}

}  // namespace

const char* type_hidden_by(const char* name) {
    CatCList* found = SearchSysCacheList1(TYPENAMENSP, CStringGetDatum(name));
    const char* hidden = nullptr;
    for (int i = 0; i < found->n_members && !hidden; i++) {
        const auto& type = *reinterpret_cast<const FormData_pg_type*>(GETSTRUCT(&found->members[i]->tuple));
        if (!isAnyTempNamespace(type.typnamespace) && !is_row_type(type))
            hidden = quote_qualified_identifier(get_namespace_name(type.typnamespace), name);
    }
    ReleaseSysCacheList(found);
    return hidden;
}

}  // namespace tg::guard
