#include "jose/claim_path.h"

namespace tg::jose {

// Tries `a.b.c`, then `a.b` with `c` inside it, then `a` with `b.c`. Each step goes one object
// deeper into a tree whose depth and size the reader has bounded.
bool find_claim(const JsonValue& object, std::string_view path, JsonValue& out) {
    if (path.empty()) return false;
    if (find_member(object, path, out)) return true;
    for (std::size_t dot = path.size(); dot-- > 0;) {
        if (path[dot] != '.') continue;
        JsonValue inner;
        if (!find_member(object, {path.data(), dot}, inner)) continue;
        if (find_claim(inner, {path.data() + dot + 1, path.size() - dot - 1}, out)) return true;
    }
    return false;
}

}  // namespace tg::jose
