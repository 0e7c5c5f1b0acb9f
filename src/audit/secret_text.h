// What in a text is a secret. A token shows by its form; one that is garbled, and the secret of a key, only
// by the statement that hands it over: there every literal counts.
#pragma once

#include <string_view>

namespace tg::audit {

// Is there a token, or a part of one?
bool holds_token(std::string_view text);

// False only if the text has neither a token nor a literal. Asked of every statement that is analyzed.
bool may_hold_secret(std::string_view text);

// Replaces each by asterisks, in place.
void blot_tokens(char* text);

// Does the text call something that takes a token, or the secret of a key?
bool hands_over_secret(std::string_view text);

// Does it run a statement that was prepared in SQL?
bool executes_prepared(std::string_view text);

// Has it a literal (or a value of a parameter, which the log writes like one)?
bool has_literal(std::string_view text);

// Replaces the inside of every literal by asterisks, in place. Not by the rules of a parser: text that ends
// within a literal, and text around a statement ("parameters: $1 = '...'"), are to be expected.
void blot_literals(char* text);

// Replaces the bytes of every constant in a printed parse or plan tree that is long enough for a secret.
void blot_constants(char* tree);

}  // namespace tg::audit
