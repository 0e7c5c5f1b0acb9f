// Statements that drivers prepare in the protocol, under names of their own, and execute later by that
// name. Parse and Close pass by every hook that could refuse them: a client who speaks the protocol can
// close "S_1" of the driver and prepare something else under the name, which the next tenant then runs,
// with its values and its rights.
#pragma once

namespace tg::guard {

void install_prepared_names();

}  // namespace tg::guard
