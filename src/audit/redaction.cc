// See the header. A statement that hands over a secret loses all its literals, since what is in them need not
// look like one; elsewhere, tokens are known by their form.
#include "audit/redaction.h"

#include "audit/secret_text.h"
#include "pg/server.h"

extern "C" {
#include "executor/execdesc.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
}

namespace tg::audit {

namespace {

emit_log_hook_type next_hook = nullptr;

constexpr std::string_view tree_titles[] = {"raw parse tree:", "parse tree:", "rewritten parse tree:", "plan:"};

// Whether this session prepared a statement in SQL that takes a secret: what EXECUTE hands to it has no other mark.
bool has_prepared_secret = false;

bool names_secret(std::string_view text) {
    return hands_over_secret(text) || (has_prepared_secret && executes_prepared(text));
}

bool is_secret_statement(std::string_view text) {
    return holds_token(text) || (has_literal(text) && names_secret(text));
}

constexpr const char* hidden_statement = "<statement with a token>";

// Whether other sessions see nothing of the running message any more. Asked first, since the message can have as many secret
// statements as it likes, and each would have it searched from its beginning.
bool is_hidden() {
    if (!MyBEEntry || !pgstat_track_activities) return true;
    return std::strcmp(MyBEEntry->st_activity_raw, hidden_statement) == 0;
}

// What the client sent in this message; empty without one.
std::string_view running_text() { return debug_query_string ? debug_query_string : ""; }

// The fields may be constants of the program: what is changed is a copy.
void redact_tokens(char*& field) {
    if (!field || !holds_token(field)) return;
    field = pstrdup(field);
    blot_tokens(field);
}

void redact(const char*& field, bool with_literals) {
    if (!field) return;
    const bool blots_literals = (with_literals || names_secret(field)) && has_literal(field);
    if (!blots_literals && !holds_token(field)) return;
    char* copy = pstrdup(field);
    if (blots_literals) blot_literals(copy);
    blot_tokens(copy);
    field = copy;
}

void redact(char*& field, bool with_literals) {
    const char* redacted = field;
    redact(redacted, with_literals);
    field = const_cast<char*>(redacted);
}

bool is_tree(const char* message) {
    for (const std::string_view title : tree_titles)
        if (message && title == message) return true;
    return false;
}

// What debug_print_parse and its like write: literals as text in utility statements, everywhere else a
// constant, or the value of a parameter, as the codes of its bytes.
void redact_tree(char*& tree, bool of_secret_statement) {
    tree = pstrdup(of_secret_statement ? "The statement hands over a secret." : tree);
    blot_constants(tree);
}

// What cannot be read as JSON is quoted by the server: DETAIL has the word, CONTEXT the end of the text.
bool quotes_value(const ErrorData* error) {
    return error->sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION ||
           error->sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER;
}

void on_log(ErrorData* error) {
    const MemoryContext before = MemoryContextSwitchTo(error->assoc_context);
    const bool is_secret = is_secret_statement(running_text());
    const bool with_literals = names_secret(running_text());
    if (error->detail && is_tree(error->message)) redact_tree(error->detail, is_secret || with_literals);
    const bool holds_secret = is_secret || with_literals || (error->context && holds_token(error->context));
    if (holds_secret && quotes_value(error)) error->detail = error->context = nullptr;
    redact(error->message, with_literals);
    redact(error->detail, with_literals);
    redact(error->detail_log, with_literals);
    // A hint is ours or the server's own; an apostrophe in it quotes nothing of the client's.
    redact_tokens(error->hint);
    redact(error->context, with_literals);
    redact(error->internalquery, with_literals);
    if (is_secret) error->hide_stmt = true;
    // What cannot be parsed comes to no other hook of ours.
    if (is_secret && error->elevel >= ERROR) hide_running_statement();
    MemoryContextSwitchTo(before);
    if (next_hook) next_hook(error);
}

}  // namespace

// pg_stat_statements keeps utility statements as they were written, and counts those with an identifier.
bool look_for_secrets(std::string_view text, Query* query) {
    if (query->utilityStmt && IsA(query->utilityStmt, PrepareStmt) && hands_over_secret(text)) has_prepared_secret = true;
    if (!is_secret_statement(text)) return false;
    hide_running_statement();
    if (query->utilityStmt) query->queryId = 0;
    return true;
}

bool hide_running_statement() {
    if (is_hidden()) return true;
    if (!is_secret_statement(running_text())) return false;
    pgstat_report_activity(STATE_RUNNING, hidden_statement);
    return true;
}

void redact_source(QueryDesc* query) {
    if (!query->sourceText) return;
    const MemoryContext before = MemoryContextSwitchTo(GetMemoryChunkContext(query));
    redact(query->sourceText, false);
    MemoryContextSwitchTo(before);
}

void install_redaction() {
    next_hook = emit_log_hook;
    emit_log_hook = on_log;
}

}  // namespace tg::audit
