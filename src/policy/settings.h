// The settings of protection.
#pragma once

namespace tg::policy {

// tenant_guard.tenant_column: the name by which tables say that their rows have a tenant.
const char* tenant_column_name();

// tenant_guard.auto_protect.
bool auto_protects();

void install_settings();

}  // namespace tg::policy
