// See the header.
#include "guard/analysis.h"

#include "audit/redaction.h"
#include "audit/secret_text.h"
#include "enforcement/profile.h"
#include "guard/prepared_names.h"
#include "guard/untrusted_names.h"
#include "pg/foreign_changes.h"

extern "C" {
#include "parser/analyze.h"
}

namespace tg::guard {

namespace {

post_parse_analyze_hook_type next_analyze = nullptr;

// The statement itself, of the many that a message may have: looking at all of the message for each of
// them would take the square of its length.
std::string_view text_of(const ParseState* state, const Query* query) {
    if (!state->p_sourcetext) return {};
    const char* begin = state->p_sourcetext + (query->stmt_location > 0 ? query->stmt_location : 0);
    return {begin, query->stmt_len > 0 ? static_cast<std::size_t>(query->stmt_len) : std::strlen(begin)};
}

void analyze(ParseState* state, Query* query, JumbleState*) {
    const std::string_view text = text_of(state, query);
    if (audit::may_hold_secret(text)) audit::look_for_secrets(text, query);
    // Parse lets parameters appear as they come; a message of the simple protocol has none.
    if (state->p_paramref_hook) note_parse();
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
