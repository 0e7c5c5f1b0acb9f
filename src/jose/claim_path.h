// Finds a claim by its configured name, which may be a path. Names with dots in them are common
// (`https://example.com/tenant`) and so are paths (`app_metadata.org.id`): the longest prefix that
// is a member wins, so that a name is never torn apart while a member of exactly that name exists.
#pragma once

#include <string_view>

#include "jose/json.h"

namespace tg::jose {

// `object` must come from read_json(). False if nothing is there.
bool find_claim(const JsonValue& object, std::string_view path, JsonValue& out);

}  // namespace tg::jose
