// What a client's own text may name in an untrusted transaction. Looked at before views are expanded, since
// the views of information_schema may ask what a client may not: a function that shows a definition by
// number, or a number cast to regclass, is a look into catalogs that it cannot read. A text parsed before
// the transaction became untrusted was parsed for somebody who could read them.
#pragma once

#include "pg/server.h"

namespace tg::guard {

// Types that show names of objects by number, and arrays, domains and rows of them.
bool shows_names(Oid type);

// To be called for every statement that was analyzed while the transaction is untrusted.
void check_names(Query* query);

}  // namespace tg::guard
