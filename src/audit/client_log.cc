// See the header.
#include "audit/client_log.h"

#include "context/tenant_context.h"
#include "pg/server.h"

namespace tg::audit {

namespace {

emit_log_hook_type next_hook = nullptr;

void on_log(ErrorData* error) {
    if (error->elevel <= LOG && context::current()) error->output_to_client = false;
    if (next_hook) next_hook(error);
}

}  // namespace

void install_client_log() {
    next_hook = emit_log_hook;
    emit_log_hook = on_log;
}

}  // namespace tg::audit
