// What OpenSSL finds out on first use - implementations of algorithms, decoders of keys - costs a
// process milliseconds. The postmaster finds it out once, and every session inherits it.
#pragma once

namespace tg::jose {

// Goes through loading a key and checking a signature with each algorithm. Keeps nothing of its
// own, and may fail where OpenSSL lacks an algorithm: then the first use pays, or fails, as it
// would have.
void warm_up();

}  // namespace tg::jose
