// The server's hook after it has analyzed a statement, one for all of the library: each hook that is passed through for
// nothing is a measurable part of the shortest statements.
#pragma once

namespace tg::guard {

void install_analysis();

}  // namespace tg::guard
