// See the header. Superusers only: a role that could change them could keep its tables unprotected.
#include "policy/settings.h"

#include "pg/server.h"

namespace tg::policy {

namespace {

char* tenant_column = nullptr;
bool auto_protect = true;

}  // namespace

const char* tenant_column_name() { return tenant_column; }

bool auto_protects() { return auto_protect; }

void install_settings() {
    DefineCustomStringVariable("tenant_guard.tenant_column",
                               "Sets the name of the tenant column.",
                               "Tables with a column of this name are protected by protect_all() and "
                               "when they are created.",
                               &tenant_column, "tenant_id", PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomBoolVariable("tenant_guard.auto_protect",
                             "Protects new tables with a tenant column as they are made.", nullptr,
                             &auto_protect, true, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

}  // namespace tg::policy
