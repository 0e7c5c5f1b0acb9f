// A secret is wiped from memory before it is freed: what is freed is given to somebody else, and
// ends up in core dumps. OpenSSL's memory is watched through its own hooks; on the stack and in
// structures of the caller nothing is freed, and wipe() is theirs.
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "jose/key.h"
#include "jose/signature.h"
#include "mint.h"

namespace tg::jose {
namespace {

const std::string secret = "not-in-freed-memory-7dQ2vX9pL4sN8kR1";

bool is_watching = false;
int freed_secrets = 0;

void look_at(const void* memory) {
    if (!is_watching || memory == nullptr) return;
    const std::string_view block(static_cast<const char*>(memory),
                                 malloc_usable_size(const_cast<void*>(memory)));
    if (block.find(secret) != block.npos) freed_secrets++;
}

void* allocate(std::size_t size, const char*, int) {
    return std::malloc(size);
}

void release_memory(void* memory, const char*, int) {
    look_at(memory);
    std::free(memory);
}

// Always to another place, so that the old one is seen.
void* reallocate(void* memory, std::size_t size, const char*, int) {
    void* const moved = std::malloc(size);
    if (memory == nullptr || moved == nullptr) return moved;
    const std::size_t old_size = malloc_usable_size(memory);
    std::memcpy(moved, memory, old_size < size ? old_size : size);
    look_at(memory);
    std::free(memory);
    return moved;
}

// Before anything else of OpenSSL is called, or it keeps its own.
const bool is_installed = CRYPTO_set_mem_functions(allocate, reallocate, release_memory) == 1;

template <typename Act>
int secrets_freed_by(Act act) {
    freed_secrets = 0;
    is_watching = true;
    act();
    is_watching = false;
    return freed_secrets;
}

TEST(Wiping, TheWatchSeesASecretThatIsFreed) {
    ASSERT_TRUE(is_installed);
    EXPECT_EQ(secrets_freed_by([] {
                  void* const copy = OPENSSL_malloc(secret.size());
                  std::memcpy(copy, secret.data(), secret.size());
                  OPENSSL_free(copy);
              }),
              1);
}

TEST(Wiping, ASecretIsGoneWhenItsKeyIs) {
    EXPECT_EQ(secrets_freed_by([] {
                  const auto imported = std::make_unique<ImportedKey>();
                  ASSERT_EQ(import_secret("k", "HS256", secret, *imported), KeyVerdict::ok);
                  VerificationKey key{};
                  ASSERT_EQ(load_key("HS256", secret, key), KeyVerdict::ok);
                  EXPECT_EQ(verify_signature(key, "text", std::string(32, 's')),
                            Verdict::signature_mismatch);
                  release(key);
                  wipe(*imported);
              }),
              0);
}

TEST(Wiping, ARefusedOneIsToo) {
    const auto imported = std::make_unique<ImportedKey>();
    const std::string encoded = test::encode(secret);
    EXPECT_EQ(secrets_freed_by([&] {
                  EXPECT_EQ(import_secret("k", "HS512", secret, *imported), KeyVerdict::too_weak);
                  EXPECT_EQ(import_jwk(R"({"kty":"oct","kid":"k","alg":"HS512","k":")" + encoded +
                                           "\"}",
                                       *imported),
                            KeyVerdict::too_weak);
              }),
              0);
    const std::string_view bytes(reinterpret_cast<const char*>(imported.get()), sizeof *imported);
    EXPECT_EQ(bytes.find(secret), bytes.npos) << "nor does the caller keep it";
}

}  // namespace
}  // namespace tg::jose
