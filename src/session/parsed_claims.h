// The payload of the running context as jsonb: parsed once per context and backend, not per call.
#pragma once

#include "context/tenant_context.h"
#include "pg/server.h"

extern "C" {
#include "utils/jsonb.h"
}

namespace tg::session {

struct ParsedClaims {
    Jsonb* payload;
    Jsonb* attributes;  // null if the token has none
};

// Valid until the context changes.
const ParsedClaims& parsed_claims(const context::TenantContext& tenant);

// A text[] of one step, as jsonb_extract_path() takes it.
Datum path_of(std::string_view step);

}  // namespace tg::session
