// Was this RSA modulus made by the chips of CVE-2017-15361 (ROCA)? Their primes are powers of 65537
// modulo many small primes, which shows in the modulus and lets 2048 bits be factored for the price
// of a car. Millions of such keys were handed out, and nothing else about them looks weak.
#pragma once

#include <openssl/types.h>

namespace tg::jose {

bool has_roca_fingerprint(const BIGNUM* modulus);

}  // namespace tg::jose
