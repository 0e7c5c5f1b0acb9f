// Defines a function that SQL calls. The library is built with hidden visibility; the function and
// its info record are what leaves it (PostgreSQL 15's PG_FUNCTION_INFO_V1 does not export by itself).
#pragma once

#include "pg/server.h"

#define TG_FUNCTION(name)                                         \
    _Pragma("GCC visibility push(default)") extern "C" {          \
        Datum name(PG_FUNCTION_ARGS);                             \
        PG_FUNCTION_INFO_V1(name);                                \
    }                                                             \
    _Pragma("GCC visibility pop") extern "C" Datum name([[maybe_unused]] PG_FUNCTION_ARGS)
