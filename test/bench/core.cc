// What verifying a token costs outside the server, for each algorithm: OpenSSL alone with everything
// reused (the floor), our verifier with its keys loaded, and libjwt, which is given the key as PEM as
// its users do. In turns, so that whatever else the machine does hits all three; medians.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include <jwt.h>
#include "floor.h"
#include "jose/digest.h"
#include "jose/token.h"
#include "mint.h"

namespace {

using namespace tg;

[[noreturn]] void give_up(std::string_view what, std::string_view algorithm) {
    std::fprintf(stderr, "bench: %.*s failed for %.*s\n", static_cast<int>(what.size()), what.data(),
                 static_cast<int>(algorithm.size()), algorithm.data());
    std::exit(1);
}

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

struct Contender {
    const char* name;
    std::function<bool()> verify;
    std::vector<double> samples;  // microseconds per call
};

// Microseconds of this thread: what others do on the machine is not in it.
double processor_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double time_of(const std::function<bool()>& verify, int calls, std::string_view algorithm) {
    const double began = processor_time();
    for (int i = 0; i < calls; i++)
        if (!verify()) give_up("a verification", algorithm);
    return (processor_time() - began) / calls;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Signing input of about 600 bytes, as tokens with a few attributes have.
std::string payload() {
    return R"({"sub":"user_8c2f","tenant_id":"acct_4d1a","user_attributes":{"role":"viewer","region":"EU"},)"
           R"("iat":1717100000,"exp":4102444800,"jti":"c0a8012e-6a1f-4d5a-9a55-5a3f0e5a7d11","scope":")" +
           std::string(240, 'a') + "\"}";
}

bool libjwt_verifies(const std::string& jwt, const std::string& key) {
    jwt_t* token = nullptr;
    const bool good = jwt_decode(&token, jwt.c_str(), octets(key), static_cast<int>(key.size())) == 0 &&
                      jwt_get_alg(token) != JWT_ALG_NONE;
    jwt_free(token);
    return good;
}

void measure(const jose::Algorithm& algorithm, int rounds) {
    const test::SigningKey& key = test::SigningKey::of(algorithm.stored_name);
    const std::string jwt = test::mint(key, test::header_of(key), payload());
    const std::string pem_or_secret =
        algorithm.scheme == jose::Scheme::hmac ? key.material() : key.public_pem();
    const bench::Floor floor(algorithm, pem_or_secret);
    const bench::Floor::Signed signed_token = floor.read(jwt);

    const jose::RingKey ring[] = {
        {.kid = "k1", .rules = &jose::default_rules, .retired = false, .key = key.verifier()}};
    const jose::Demand demand{.ring = ring, .issuers = {}, .now_us = test::now_us, .require_exp = true,
                              .max_size = 16384};
    std::vector<char> scratch(jose::scratch_size(jwt.size()));
    jose::Token token;
    std::vector<Contender> contenders = {
        {"floor", [&] { return floor.verify(signed_token); }, {}},
        {"ours", [&] { return jose::verify_token(jwt, demand, scratch, token) == Verdict::ok; }, {}},
    };
    // libjwt 1.10 has neither RSA-PSS nor EdDSA.
    if (algorithm.scheme != jose::Scheme::rsa_pss && algorithm.scheme != jose::Scheme::eddsa)
        contenders.push_back({"libjwt", [&] { return libjwt_verifies(jwt, pem_or_secret); }, {}});

    const double once = time_of(contenders[1].verify, 3, algorithm.stored_name);
    const int calls = std::clamp(static_cast<int>(500 / once), 1, 200);
    for (int round = 0; round < rounds; round++)
        for (Contender& contender : contenders)
            contender.samples.push_back(time_of(contender.verify, calls, algorithm.stored_name));
    const auto print = [&](const char* name, double figure) {
        std::printf("core/%.*s/%s\t%.3f\n", static_cast<int>(algorithm.stored_name.size()),
                    algorithm.stored_name.data(), name, figure);
    };
    for (const Contender& contender : contenders) print(contender.name, median(contender.samples));
    // Within a round: a small difference of two long times would mostly be the machine's speed, which changes.
    std::vector<double> added;
    for (std::size_t round = 0; round < contenders[0].samples.size(); round++)
        added.push_back(contenders[1].samples[round] - contenders[0].samples[round]);
    print("added", median(added));
}

// What a remembered token costs the core: its digest.
void measure_digest(int rounds) {
    const std::string jwt(700, 'a');
    const std::string_view view{jwt};
    std::array<std::uint8_t, 32> digest;
    std::vector<double> samples;
    for (int round = 0; round < rounds; round++)
        samples.push_back(time_of([&] { return jose::sha256({&view, 1}, digest); }, 200, "SHA-256"));
    std::printf("core/digest\t%.3f\n", median(samples));
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 301;
    for (const jose::Algorithm& algorithm : jose::algorithms) measure(algorithm, rounds);
    measure_digest(rounds);
}
