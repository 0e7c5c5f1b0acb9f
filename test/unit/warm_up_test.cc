// Warming up must change no verdict and leave nothing behind.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "jose/warm_up.h"
#include "mint.h"

namespace {

using namespace tg;

TEST(WarmUp, LeavesNothingInTheErrorQueue) {
    ERR_clear_error();
    jose::warm_up();
    EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST(WarmUp, ChangesNoVerdict) {
    jose::warm_up();
    for (const jose::Algorithm& algorithm : jose::algorithms) {
        const test::SigningKey& key = test::SigningKey::of(algorithm.stored_name);
        const std::string good = test::mint(key, test::header_of(key), test::good_claims);
        EXPECT_EQ(test::verify(good, key).verdict, Verdict::ok) << algorithm.stored_name;
        const std::string forged = good.substr(0, good.rfind('.')) + "." +
                                   test::encode(key.sign("another text"));
        EXPECT_EQ(test::verify(forged, key).verdict, Verdict::signature_mismatch) << algorithm.stored_name;
    }
}

}  // namespace
