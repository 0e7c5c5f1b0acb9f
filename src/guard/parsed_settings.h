// Settings by which constants are read when a statement is parsed or planned: '2025-01-01'::timestamptz in
// a function of the application is read by the TimeZone of whoever calls the function first, and stays so
// in the session's plans when a SET LOCAL has long ended.
#pragma once

namespace tg::guard {

// A guarded transaction sets something, or may have.
void note_setting();

void install_parsed_settings();

}  // namespace tg::guard
