// What an operator greps for. Values come from clients, so they are quoted, escaped and bounded:
// a line break in a name would otherwise forge a second log line.
#include "audit/event.h"

#include "context/tenant_context.h"
#include "core/bytes.h"

extern "C" {
#include "lib/stringinfo.h"
}

namespace tg::audit {

namespace {

constexpr std::size_t longest_value = 128;

// An apostrophe would open a literal to the log hook, which blots out the rest of the line: whoever chose the name of a relation
// could hide who was refused it.
bool is_escaped_as_code(unsigned char byte) { return byte < 0x20 || byte == 0x7f || byte == '\''; }

void append_field(StringInfo line, const char* name, std::string_view value) {
    if (value.empty()) return;
    appendStringInfo(line, " %s=\"", name);
    for (const char c : first_of(value, longest_value)) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_escaped_as_code(byte)) {
            appendStringInfo(line, "\\x%02x", byte);
            continue;
        }
        if (c == '"' || c == '\\') appendStringInfoChar(line, '\\');
        appendStringInfoChar(line, c);
    }
    appendStringInfoChar(line, '"');
}

}  // namespace

void log_event(const char* event, std::initializer_list<Field> fields) {
    StringInfoData line;
    initStringInfo(&line);
    appendStringInfo(&line, "tenant_guard event=%s", event);
    for (const Field& field : fields) append_field(&line, field.name, field.value);
    if (const context::TenantContext* tenant = context::current()) {
        append_field(&line, "tenant", tenant->tenant());
        append_field(&line, "subject", tenant->subject());
        append_field(&line, "kid", tenant->kid());
    }
    ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", line.data), errhidestmt(true), errhidecontext(true)));
    pfree(line.data);
}

}  // namespace tg::audit
