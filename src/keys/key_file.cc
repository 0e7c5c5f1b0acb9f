// See the header. Nothing here may raise an error: in the postmaster it would end the server. What is
// wrong is said with GUC_check_errdetail(), which is what the log shows.
#include "keys/key_file.h"

#include "jose/digest.h"
#include "jose/jwk_set.h"
#include "pg/text.h"

extern "C" {
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/parallel.h"
}

namespace tg::keys {

namespace {

using Digest = std::array<std::uint8_t, 32>;

// `memory` holds the keys; both are null if there is no file.
struct ReadFile {
    jose::ImportedKey* keys;
    std::size_t key_count;
    TimestampTz modified;
    Digest digest;  // of the text: a reload that finds the same changes nothing
};

char* path_setting = nullptr;
char* issuer_setting = nullptr;
ReadFile current{};
ReadFile checked{};  // by the check hook, for the assign hook that follows
uint64 generation = 0;

// One more than can be kept: a key is judged where it would stand.
constexpr std::size_t keys_size = (jose::max_set_keys + 1) * sizeof(jose::ImportedKey);

void forget(ReadFile& file) {
    if (file.keys) {
        explicit_bzero(file.keys, keys_size);
        pfree(file.keys);
    }
    file = {};
}

// Sessions say at DEBUG1 what the postmaster says in the log: once is enough.
int log_level() { return IsUnderPostmaster ? DEBUG1 : LOG; }

// Whoever can write the file decides whose tokens are believed, and a secret that others can read is
// none (the same rule as for the server's private key, ssl_key_file).
bool is_trustworthy(const struct stat& status) {
    if (!S_ISREG(status.st_mode)) {
        GUC_check_errdetail("It is not a regular file.");
        return false;
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        GUC_check_errdetail("The file must be owned by root or by the server's user.");
        return false;
    }
    if (status.st_mode & (S_IWGRP | S_IWOTH)) {
        GUC_check_errdetail("The file must be writable by its owner only.");
        GUC_check_errhint("Run chmod go-w on it.");
        return false;
    }
    return true;
}

bool is_hidden_enough(bool holds_secrets, const struct stat& status) {
    if (!holds_secrets || !(status.st_mode & S_IROTH)) return true;
    GUC_check_errdetail("The file holds secrets and everybody can read it.");
    GUC_check_errhint("Run chmod o-r on it, and replace the secrets.");
    return false;
}

bool read_bytes(int file, char* room, std::size_t room_size, std::size_t& size) {
    size = 0;
    while (size < room_size) {
        const ssize_t count = read(file, room + size, room_size - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    return true;
}

bool is_taken(const ReadFile& file, const jose::ImportedKey& key) {
    const std::string_view kid{key.kid.data(), key.kid_size};
    for (std::size_t i = 0; i < file.key_count; i++)
        if (kid == std::string_view{file.keys[i].kid.data(), file.keys[i].kid_size}) return true;
    return false;
}

// Fills out.keys with those that can be used, and logs which were left out.
jose::SetVerdict take_keys(jose::JsonCursor keys, const char* path, ReadFile& out) {
    for (int number = 1;; number++) {
        jose::ImportedKey& key = out.keys[out.key_count];
        jose::KeyVerdict verdict{};
        if (!jose::take_key(keys, key, verdict)) break;
        if (verdict != jose::KeyVerdict::ok) {
            ereport(log_level(), (errmsg("key number %d of \"%s\" is left out", number, path),
                                  errdetail("%s", jose::describe(verdict))));
            continue;
        }
        // A key without a kid is named by its thumbprint, which another may have as its kid.
        if (is_taken(out, key)) return jose::SetVerdict::repeated_kid;
        out.key_count++;
    }
    return out.key_count > 0 ? jose::SetVerdict::ok : jose::SetVerdict::no_usable_key;
}

bool refuse(jose::SetVerdict verdict) {
    GUC_check_errdetail("%s", jose::describe(verdict));
    return false;
}

bool read_set(std::string_view json, const struct stat& status, const char* path, ReadFile& out) {
    if (!jose::sha256({&json, 1}, out.digest)) {
        GUC_check_errdetail("OpenSSL failed.");
        return false;
    }
    if (current.keys && out.digest == current.digest)
        return is_hidden_enough(current.keys[0].is_secret, status);
    jose::JsonCursor keys{};
    const jose::SetVerdict set_verdict = jose::read_jwk_set(json, keys);
    if (set_verdict != jose::SetVerdict::ok) return refuse(set_verdict);
    if (!is_hidden_enough(jose::holds_secrets(keys), status)) return false;
    out.keys = static_cast<jose::ImportedKey*>(
        MemoryContextAllocExtended(TopMemoryContext, keys_size, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO));
    if (!out.keys) {
        GUC_check_errdetail("Out of memory.");
        return false;
    }
    const jose::SetVerdict keys_verdict = take_keys(keys, path, out);
    return keys_verdict == jose::SetVerdict::ok || refuse(keys_verdict);
}

bool read_open_file(int file, const char* path, ReadFile& out) {
    struct stat status;
    if (fstat(file, &status) != 0) {
        GUC_check_errdetail("Could not look at the file: %m.");
        return false;
    }
    if (!is_trustworthy(status)) return false;
    // A byte more than is accepted, so that a file that is too large is seen as such.
    constexpr std::size_t room_size = jose::max_jwk_set_size + 1;
    auto* room = static_cast<char*>(
        MemoryContextAllocExtended(TopMemoryContext, room_size, MCXT_ALLOC_NO_OOM));
    std::size_t size = 0;
    bool good = room && read_bytes(file, room, room_size, size);
    if (!good) GUC_check_errdetail("Could not read the file: %m.");
    good = good && read_set({room, size}, status, path, out);
    out.modified = time_t_to_timestamptz(status.st_mtime);
    if (room) {
        explicit_bzero(room, size);
        pfree(room);
    }
    return good;
}

// Without waiting: a FIFO in its place must not stop the postmaster.
bool read_file(const char* path, ReadFile& out) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) {
        GUC_check_errdetail("Could not open the file: %m.");
        return false;
    }
    const bool good = read_open_file(file, path, out);
    close(file);
    return good;
}

// A parallel worker is handed the leader's settings; it needs no keys, and a file that is gone by now
// must not fail the query.
bool check_path(char** path, void**, GucSource) {
    if (InitializingParallelWorker) return true;
    forget(checked);
    if (**path == '\0' || read_file(*path, checked)) return true;
    forget(checked);
    return false;
}

void assign_path(const char* path, void*) {
    if (InitializingParallelWorker) return;
    if (*path != '\0' && !checked.keys) {  // the same text as before
        current.modified = checked.modified;
        return;
    }
    if (!checked.keys && !current.keys) return;
    forget(current);
    current = checked;
    checked = {};
    generation++;
    if (current.keys)
        ereport(log_level(), (errmsg("%zu keys read from \"%s\"", current.key_count, path)));
}

void assign_issuer(const char* issuer, void*) {
    if (!issuer_setting || std::strcmp(issuer, issuer_setting) != 0) generation++;
}

}  // namespace

KeyFile current_key_file() { return {current.keys, current.key_count, current.modified}; }

// Not defined where the library was not preloaded.
std::string_view key_file_issuer() { return issuer_setting ? issuer_setting : ""; }

uint64 key_file_generation() { return generation; }

void install_key_file() {
    DefineCustomStringVariable("tenant_guard.jwks_file", "Names a file with a JWK set whose keys verify tokens.",
                               "It is read at start and at each reload.", &path_setting, "", PGC_SIGHUP,
                               GUC_SUPERUSER_ONLY, check_path, assign_path, nullptr);
    DefineCustomStringVariable("tenant_guard.jwks_issuer", "Names the issuer of the keys of the file.",
                               nullptr, &issuer_setting, "", PGC_SIGHUP, 0, nullptr, assign_issuer,
                               nullptr);
}

}  // namespace tg::keys
