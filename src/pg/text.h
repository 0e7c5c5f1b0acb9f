// Between the server's text and views over bytes.
#pragma once

#include "pg/server.h"

namespace tg::pg {

// The view lives as long as the datum's memory. `value` must be detoasted.
inline std::string_view view_of(const text* value) {
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

inline text* text_of(std::string_view bytes) {
    return cstring_to_text_with_len(bytes.data(), static_cast<int>(bytes.size()));
}

// A palloc'd, NUL-terminated copy.
inline char* cstring_of(std::string_view bytes) {
    return pnstrdup(bytes.data(), bytes.size());
}

inline std::string_view view_of(const NameData& name) {
    return {NameStr(name), std::strlen(NameStr(name))};
}

}  // namespace tg::pg
