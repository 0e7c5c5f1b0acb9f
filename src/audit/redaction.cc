// See the header. What looks like a compact JWS (RFC 7515 section 3.1) is blotted out: base64url parts
// with dots between, of which the first begins like a JSON object.
#include "audit/redaction.h"

#include "core/bytes.h"
#include "pg/server.h"

extern "C" {
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
}

namespace tg::audit {

namespace {

emit_log_hook_type next_hook = nullptr;

constexpr std::size_t shortest_header = 8;

// A brace and then a quote, a space, a line feed, a tab or a carriage return, in base64url.
constexpr std::string_view header_beginnings[] = {"eyJ", "eyA", "ewo", "ewk", "ew0"};

bool is_token_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

std::size_t run_length(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && is_token_character(text[length])) length++;
    return length;
}

bool begins_like_header(std::string_view text) {
    for (const std::string_view beginning : header_beginnings)
        if (has_prefix(text, beginning)) return true;
    return false;
}

// The length of the token at the beginning of the text: 0 if there is none. Two parts are enough; a
// truncated token is still a part of one.
std::size_t token_length(std::string_view text) {
    if (!begins_like_header(text)) return 0;
    const std::size_t header = run_length(text);
    if (header < shortest_header || header == text.size() || text[header] != '.') return 0;
    std::size_t length = header + 1;
    length += run_length(without_first(text, length));
    if (length < text.size() && text[length] == '.') {
        length++;
        length += run_length(without_first(text, length));
    }
    return length;
}

// Replaces each token in place by asterisks; says whether there was one.
bool blot_out(char* text) {
    bool found = false;
    std::string_view rest{text};
    while (!rest.empty()) {
        const std::size_t run = run_length(rest);
        const std::size_t token = token_length(rest);
        if (token > 0) {
            std::memset(text, '*', token);
            found = true;
        }
        const std::size_t step = token > 0 ? token : run + 1;
        text += step < rest.size() ? step : rest.size();
        rest = without_first(rest, step);
    }
    return found;
}

bool holds_token(const char* text) {
    std::string_view rest{text};
    while (!rest.empty()) {
        if (token_length(rest) > 0) return true;
        rest = without_first(rest, run_length(rest) + 1);
    }
    return false;
}

// The fields may be constants of the program: what is changed is a copy.
void redact(const char*& field) {
    if (!field || !holds_token(field)) return;
    char* copy = pstrdup(field);
    blot_out(copy);
    field = copy;
}

void redact(char*& field) {
    const char* redacted = field;
    redact(redacted);
    field = const_cast<char*>(redacted);
}

void on_log(ErrorData* error) {
    const MemoryContext before = MemoryContextSwitchTo(error->assoc_context);
    redact(error->message);
    redact(error->detail);
    redact(error->detail_log);
    redact(error->hint);
    redact(error->context);
    redact(error->internalquery);
    if (debug_query_string && holds_token(debug_query_string)) error->hide_stmt = true;
    MemoryContextSwitchTo(before);
    if (next_hook) next_hook(error);
}

}  // namespace

void hide_running_statement() {
    if (debug_query_string && holds_token(debug_query_string))
        pgstat_report_activity(STATE_RUNNING, "<statement with a token>");
}

void install_redaction() {
    next_hook = emit_log_hook;
    emit_log_hook = on_log;
}

}  // namespace tg::audit
