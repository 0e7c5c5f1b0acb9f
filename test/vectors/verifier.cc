// The verifier as a filter, for tests that are not written in C++. One command a line on standard
// input, one answer a line on standard output. Bytes are in hexadecimal, since a token under test
// may hold any.
//
//   clear            forgets the ring                       cleared
//   now SECONDS      what the clock says (Unix time)        now
//   add JWK          adds a key, bound to no issuer         added KID ALGORITHM | refused WHY
//   jws TOKEN        verifies                               REASON TENANT
//
// REASON is the reason word of docs/errors.md. TENANT is empty unless it is "ok".
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "jose/key.h"
#include "jose/token.h"

using namespace tg;

namespace {

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A mistake in the test, not in what is tested.
[[noreturn]] void give_up(const std::string& line) {
    std::fprintf(stderr, "verifier: cannot read \"%s\"\n", line.substr(0, 80).c_str());
    std::exit(2);
}

std::string from_hex(const std::string& hex) {
    std::string out;
    if (hex.size() % 2 != 0) give_up(hex);
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = digit_of(hex[i]), low = digit_of(hex[i + 1]);
        if (high < 0 || low < 0) give_up(hex);
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

std::string to_hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : bytes) {
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

class Verifier {
  public:
    std::string answer(const std::string& line) {
        const std::size_t space = line.find(' ');
        const std::string command = line.substr(0, space);
        const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
        if (command == "clear") return clear();
        if (command == "now") return set_clock(argument);
        if (command == "add") return add(from_hex(argument));
        if (command == "jws") return verify(from_hex(argument));
        give_up(line);
    }

  private:
    std::string clear() {
        for (jose::RingKey& key : ring_) jose::release(key.key);
        ring_.clear();
        kids_.clear();
        return "cleared";
    }

    std::string set_clock(const std::string& seconds) {
        now_us_ = std::stoll(seconds) * 1'000'000;
        return "now";
    }

    std::string add(const std::string& jwk) {
        const auto key = std::make_unique<jose::ImportedKey>();
        jose::KeyVerdict verdict = jose::import_jwk(jwk, *key);
        jose::VerificationKey loaded{};
        if (verdict == jose::KeyVerdict::ok)
            verdict = jose::load_key(key->algorithm->stored_name,
                                     as_text({key->material.data(), key->material_size}), loaded);
        if (verdict != jose::KeyVerdict::ok)
            return std::string("refused ") + jose::describe(verdict);
        kids_.emplace_back(key->kid.data(), key->kid_size);
        ring_.push_back({kids_.back(), &jose::default_rules, false, loaded});
        return "added " + to_hex(kids_.back()) + " " + std::string(key->algorithm->stored_name);
    }

    std::string verify(const std::string& jwt) const {
        std::vector<char> scratch(jose::scratch_size(jwt.size()));
        jose::Token token;
        const jose::Demand demand = {.ring = ring_,
                                     .issuers = {},
                                     .now_us = now_us_,
                                     .require_exp = true,
                                     .max_size = 16384};
        const Verdict verdict = jose::verify_token(jwt, demand, scratch, token);
        std::string out(describe(verdict).reason);
        return out + " " + (verdict == Verdict::ok ? to_hex(token.tenant) : "");
    }

    std::vector<jose::RingKey> ring_;
    std::list<std::string> kids_;  // the ring's views look into these
    std::int64_t now_us_ = 0;
};

}  // namespace

int main() {
    std::ios::sync_with_stdio(false);
    Verifier verifier;
    for (std::string line; std::getline(std::cin, line);)
        std::cout << verifier.answer(line) << '\n';
}
