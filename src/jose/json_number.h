// JSON numbers (RFC 8259 section 6). Their size is bounded, so that whatever is accepted here is a
// numeric to PostgreSQL and no short token expands into a number of 300,000 digits.
#pragma once

namespace tg::jose {

// Checks one number at `at` and moves behind it. What may follow a number is the caller's question.
bool take_number(const char*& at, const char* end);

}  // namespace tg::jose
