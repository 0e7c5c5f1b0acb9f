// See the header.
#include "audit/secret_text.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "core/bytes.h"

namespace tg::audit {

namespace {

constexpr std::size_t shortest_part = 12;

// A brace and then a quote, a space, a line feed, a tab or a carriage return, in base64url.
constexpr std::string_view json_beginnings[] = {"eyJ", "eyA", "ewo", "ewk", "ew0"};

constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }

bool is_token_character(char c) {
    return is_upper(c) || is_lower(c) || is_digit(c) || c == '-' || c == '_';
}

std::size_t run_length(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && is_token_character(text[length])) length++;
    return length;
}

bool begins_like_json(std::string_view run) {
    for (const std::string_view beginning : json_beginnings)
        if (has_prefix(run, beginning)) return true;
    return false;
}

bool is_part(std::string_view run) {
    return run.size() >= shortest_part && begins_like_json(run);
}

// The length of the token at the beginning of the text: 0 if there is none. A header or a payload without the
// other parts is enough; up to two parts behind it belong to it, whatever they look like. A signature alone
// does not show: a kid can look the same.
std::size_t token_length(std::string_view text) {
    const std::size_t first = run_length(text);
    if (!is_part(first_of(text, first))) return 0;
    std::size_t length = first;
    for (int more = 0; more < 2 && length < text.size() && text[length] == '.'; more++)
        length += 1 + run_length(without_first(text, length + 1));
    return length;
}

// Where a word stands, whatever its case; the size of the text if nowhere.
std::size_t find_word(std::string_view text, std::string_view word) {
    for (std::size_t at = 0; at + word.size() <= text.size(); at++) {
        std::size_t same = 0;
        while (same < word.size() && to_lower(text[at + same]) == word[same]) same++;
        if (same == word.size()) return at;
    }
    return text.size();
}

bool has_word(std::string_view text, std::string_view word) {
    return find_word(text, word) < text.size();
}

// The length of $tag$ at the beginning of the text; 0 if it is none ($1 is none).
std::size_t dollar_tag_length(std::string_view text) {
    if (text.empty() || text[0] != '$') return 0;
    std::size_t length = 1;
    while (length < text.size() && text[length] != '$') {
        const char c = text[length];
        const bool is_name = is_upper(c) || is_lower(c) || c == '_' || (c & 0x80) != 0;
        if (!is_name && !(is_digit(c) && length > 1)) return 0;
        length++;
    }
    return length < text.size() ? length + 1 : 0;
}

// The length of a literal at the beginning of the text, opening quote included; all of the text if it does
// not end. `escapes` is of E'...'.
std::size_t quoted_length(std::string_view text, bool escapes) {
    std::size_t at = 1;
    for (; at < text.size(); at++) {
        if (escapes && text[at] == '\\') {
            at++;
            continue;
        }
        if (text[at] != '\'') continue;
        if (at + 1 == text.size() || text[at + 1] != '\'') return at + 1;
        at++;
    }
    return text.size();
}

std::size_t comment_length(std::string_view text) {
    if (has_prefix(text, "--")) {
        std::size_t length = 2;
        while (length < text.size() && text[length] != '\n') length++;
        return length;
    }
    if (!has_prefix(text, "/*")) return 0;
    std::size_t at = 2;
    for (int depth = 1; depth > 0 && at < text.size();) {
        const std::string_view rest = without_first(text, at);
        if (has_prefix(rest, "/*")) depth++;
        if (has_prefix(rest, "*/")) depth--;
        at += has_prefix(rest, "/*") || has_prefix(rest, "*/") ? 2u : 1u;
    }
    return at;
}

// The length of "..." at the beginning of the text. An apostrophe within is no part of a name, but of a
// message that quotes a statement: then it is only the quote, and what follows is looked at.
std::size_t name_length(std::string_view text) {
    if (text[0] != '"') return 0;
    for (std::size_t at = 1; at < text.size() && text[at] != '\''; at++)
        if (text[at] == '"') return at + 1;
    return 1;
}

// Sixteen characters at a time, in whatever registers the machine has.
using Characters = unsigned char __attribute__((vector_size(16)));

Characters characters_at(const char* text) {
    Characters out;
    std::memcpy(&out, text, sizeof out);
    return out;
}

Characters equal(Characters a, unsigned char b) { return std::bit_cast<Characters>(a == b); }

// Which of sixteen characters may begin a literal, or together with the character before them json_beginnings. % and & are
// found as well: they differ from $ and ' in the two bits that are not compared.
Characters beginnings_in(const char* text) {
    const Characters before = characters_at(text - 1), here = characters_at(text);
    return equal(here | ('$' ^ '\''), '\'') | (equal(before, 'e') & (equal(here, 'y') | equal(here, 'w')));
}

bool is_any(Characters found) {
    using Halves = std::uint64_t __attribute__((vector_size(16)));
    const Halves halves = std::bit_cast<Halves>(found);
    return (halves[0] | halves[1]) != 0;
}

// Or % or &, here as well.
bool is_quote(char c) { return (c | ('$' ^ '\'')) == '\''; }

bool may_hold_secret_characterwise(std::string_view text) {
    if (!text.empty() && is_quote(text[0])) return true;
    for (std::size_t at = 1; at < text.size(); at++)
        if (is_quote(text[at]) || (text[at - 1] == 'e' && (text[at] == 'y' || text[at] == 'w'))) return true;
    return false;
}

void blot(char* from, std::size_t size) { std::memset(from, '*', size); }

// Bodies within bodies that are looked into; what is nested deeper is a literal. Without a bound, a text of nothing but opening
// tags would be read once for each of them.
constexpr int max_nesting = 4;

void blot_literals_in(char* text, std::size_t size, int nesting);

// $tag$...$tag$: a body of statements is looked into, anything else is a literal.
std::size_t blot_dollar_quoted(char* text, std::size_t size, int nesting) {
    const std::string_view all{text, size};
    const std::size_t tag = dollar_tag_length(all);
    std::size_t end = tag;
    while (end < size && !has_prefix(without_first(all, end), first_of(all, tag))) end++;
    if (nesting < max_nesting && hands_over_secret({text + tag, end - tag}))
        blot_literals_in(text + tag, end - tag, nesting + 1);
    else
        blot(text + tag, end - tag);
    return end + tag < size ? end + tag : size;
}

void blot_literals_in(char* text, std::size_t size, int nesting) {
    for (std::size_t at = 0; at < size;) {
        const std::string_view rest{text + at, size - at};
        if (const std::size_t skipped = comment_length(rest) + name_length(rest)) {
            at += skipped;
            continue;
        }
        if (dollar_tag_length(rest) > 0) {
            at += blot_dollar_quoted(text + at, rest.size(), nesting);
            continue;
        }
        if (rest[0] != '\'') {
            at++;
            continue;
        }
        const bool escapes = at > 0 && to_lower(text[at - 1]) == 'e';
        const std::size_t length = quoted_length(rest, escapes);
        const bool is_closed = length > 1 && rest[length - 1] == '\'';
        blot(text + at + 1, length - 1 - (is_closed ? 1 : 0));
        at += length;
    }
}

}  // namespace

// Looks at the few places where a part can begin and not at every character: behind what is no token character, with the
// first letter of all json_beginnings.
bool holds_token(std::string_view text) {
    const char* const end = text.data() + text.size();
    const char* at = text.data();
    while (at < end && (at = static_cast<const char*>(std::memchr(at, 'e', static_cast<std::size_t>(end - at)))) != nullptr) {
        const bool begins_run = at == text.data() || !is_token_character(at[-1]);
        if (begins_run && token_length({at, static_cast<std::size_t>(end - at)}) > 0) return true;
        at++;
    }
    return false;
}

bool may_hold_secret(std::string_view text) {
    constexpr std::size_t step = sizeof(Characters);
    if (text.size() <= step) return may_hold_secret_characterwise(text);
    if (is_quote(text[0])) return true;
    // The last sixteen first: those before them are a multiple of sixteen, and some more that are looked at twice.
    const char* at = text.data() + text.size() - step;
    Characters found = beginnings_in(at);
    for (at -= step; at > text.data(); at -= step) found |= beginnings_in(at);
    return is_any(found | beginnings_in(text.data() + 1));
}

void blot_tokens(char* text) {
    std::string_view rest{text};
    while (!rest.empty()) {
        const std::size_t token = token_length(rest);
        blot(text, token);
        const std::size_t step = token > 0 ? token : run_length(rest) + 1;
        text += step < rest.size() ? step : rest.size();
        rest = without_first(rest, step);
    }
}

bool hands_over_secret(std::string_view text) {
    if (has_word(text, "authenticate") || has_word(text, "add_secret") || has_word(text, "add_jwk")) return true;
    return has_word(text, "tenant_guard") &&
           (has_word(text, "token") || has_word(text, "verify") || has_word(text, "query"));
}

bool executes_prepared(std::string_view text) { return has_word(text, "execute"); }

bool has_literal(std::string_view text) {
    if (text.find('\'') != std::string_view::npos) return true;
    for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1))
        if (dollar_tag_length(without_first(text, at)) > 0) return true;
    return false;
}

// As nodes are printed: ":constvalue 20 [ 80 0 0 0 ... ]". The bracket is looked for as far as a length has digits.
void blot_constants(char* tree) {
    constexpr std::string_view label = ":constvalue ";
    constexpr std::size_t longest_length = 12;  // characters, with the space behind it
    constexpr int shortest_list = 40;           // characters: 16 bytes or so
    for (char* at = tree; (at = std::strstr(at, label.data())) != nullptr;) {
        at += label.size();
        auto* const list = static_cast<char*>(std::memchr(at, '[', strnlen(at, longest_length + 1)));
        if (!list) continue;
        char* const end = std::strchr(list, ']');
        if (!end) return;
        if (end - list >= shortest_list)
            for (char* c = list; c != end; c++)
                if (is_digit(*c)) *c = '*';
        at = end;
    }
}

void blot_literals(char* text) { blot_literals_in(text, std::strlen(text), 0); }

}  // namespace tg::audit
