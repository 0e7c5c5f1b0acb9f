// The executor's hooks, one of each for all of the guard: every hook that is passed through for nothing is
// a measurable part of the shortest statements, and what most statements need is asked here, in line.
#pragma once

namespace tg::guard {

void install_execution();

}  // namespace tg::guard
