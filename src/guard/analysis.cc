// See the header.
#include "guard/analysis.h"

#include "audit/redaction.h"
#include "audit/secret_text.h"
#include "audit/shown_again.h"
#include "enforcement/profile.h"
#include "guard/prepared_names.h"
#include "guard/untrusted_names.h"
#include "pg/foreign_changes.h"

extern "C" {
#include "access/xact.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
}

namespace tg::guard {

namespace {

post_parse_analyze_hook_type next_analyze = nullptr;

// Whether this is the first statement that is analyzed of what the client has sent.
bool begins_message(const char* message) {
    static const char* last_message = nullptr;
    static TimestampTz last_time = 0;
    if (message != debug_query_string) return false;
    const TimestampTz time = GetCurrentStatementStartTimestamp();
    if (message == last_message && time == last_time) return false;
    last_message = message;
    last_time = time;
    return true;
}

// What the server shows of a message is all of it, with the comments around its statements and those that are still to come.
bool hides_message(const char* message) {
    return begins_message(message) && audit::may_hold_secret(message) && audit::hide_running_statement();
}

// Parse lets parameters appear as they come; a message of the simple protocol has none.
bool is_parse(const ParseState* state) { return state->p_paramref_hook != nullptr; }

void look_for_secrets(const ParseState* state, std::string_view text, Query* query) {
    if (audit::look_for_secrets(text, query) && is_parse(state)) audit::keep_hiding();
}

// A statement of the many that a message may have, or with something before or behind it: looking for its secrets in all of the
// message for each of them would take the square of its length.
pg_noinline void look_at_part(const ParseState* state, Query* query) {
    if (hides_message(state->p_sourcetext) && is_parse(state)) audit::keep_hiding();
    const char* begin = state->p_sourcetext + (query->stmt_location > 0 ? query->stmt_location : 0);
    const std::string_view text{begin, query->stmt_len > 0 ? static_cast<std::size_t>(query->stmt_len) : std::strlen(begin)};
    if (audit::may_hold_secret(text)) look_for_secrets(state, text, query);
}

void look_at_text(const ParseState* state, Query* query) {
    if (!state->p_sourcetext) return;
    if (query->stmt_location > 0 || query->stmt_len > 0) return look_at_part(state, query);
    const std::string_view text = state->p_sourcetext;
    if (audit::may_hold_secret(text)) look_for_secrets(state, text, query);
}

void analyze(ParseState* state, Query* query, JumbleState*) {
    look_at_text(state, query);
    if (is_parse(state)) note_parse();
    if (enforcement::is_untrusted()) check_names(query);
    // What changed before this statement is no reason to refuse it: the rewriter, which is next, shall know.
    if (pg::may_have_foreign_changes() && IsTransactionState()) pg::hear_of_foreign_changes();
}

void analyze_after_next(ParseState* state, Query* query, JumbleState* jumble) {
    next_analyze(state, query, jumble);
    analyze(state, query, jumble);
}

}  // namespace

void install_analysis() {
    next_analyze = post_parse_analyze_hook;
    post_parse_analyze_hook = next_analyze ? analyze_after_next : analyze;
}

}  // namespace tg::guard
