// Keys from a JWK set on disk (tenant_guard.jwks_file), for those who keep keys out of the database.
// The postmaster reads the file at start and every process at a reload, before its next statement, as
// with any setting of postgresql.conf. A file that cannot be read, or is no good set, is a value that
// the setting refuses: the log says why, and the keys stay as they were, also for sessions that start
// later, because they inherit the postmaster's.
#pragma once

#include "jose/key.h"
#include "pg/server.h"

namespace tg::keys {

struct KeyFile {
    const jose::ImportedKey* keys;
    std::size_t key_count;
    TimestampTz modified;  // when the file was last written
};

// As last read. Valid until the next reload.
KeyFile current_key_file();

// Of which issuer the keys of the file are; empty for none (tenant_guard.jwks_issuer).
std::string_view key_file_issuer();

// Grows when the keys or the issuer change.
uint64 key_file_generation();

void install_key_file();

}  // namespace tg::keys
