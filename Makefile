# tenant_guard: PGXS for what the server loads, a second set of flags for the core that must not
# see the server.  `make && sudo make install` is the ordinary way; `bash test/run` runs every test.

EXTENSION  = tenant_guard
MODULE_big = tenant_guard
tg_version = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" tenant_guard.control)

core_sources = $(sort $(wildcard src/core/*.cc src/jose/*.cc))
zone_sources = $(sort src/init.cc $(wildcard src/pg/*.cc src/catalog/*.cc src/context/*.cc \
	src/audit/*.cc src/enforcement/*.cc src/keys/*.cc src/policy/*.cc src/session/*.cc src/guard/*.cc))
core_objects = $(core_sources:.cc=.o)
zone_objects = $(zone_sources:.cc=.o)
OBJS         = $(zone_objects) $(core_objects)

# The script of this version, the one that upgrades from the version before (sql/upgrade/assemble), and the scripts of
# released versions as they were: the upgrade starts from what they install.
install_script = tenant_guard--$(tg_version).sql
upgrade_steps  = $(wildcard sql/upgrade/*--$(tg_version).sql)
upgrade_script = $(upgrade_steps:sql/upgrade/%=tenant_guard--%)
DATA           = $(wildcard sql/released/*.sql sql/released/*.control)
DATA_built     = $(install_script) $(upgrade_script)

# Only the functions that SQL calls leave the library; nothing in it unwinds, so that an error of
# the server can never jump over a live C++ frame (docs/architecture.md, "The longjmp zone").
tg_flags = -std=c++20 -Wall -Wextra -Werror -Wno-register -fno-exceptions -fno-rtti \
	-fno-threadsafe-statics -fvisibility=hidden -DTG_VERSION='"$(tg_version)"'
core_flags = $(tg_flags) -O2 -g -fPIC -fstack-protector-strong -Wpedantic -Wshadow \
	-Wconversion -Wsign-conversion -Isrc

# -fno-plt: a call of the server is one instruction and not three; every symbol is bound when the library is loaded anyway.
PG_CXXFLAGS = $(tg_flags) -fno-plt
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server)
SHLIB_LINK  = -lcrypto -Wl,--version-script=src/exports.map

# Bitcode would let the JIT inline our functions; none is hot enough to need it, and the server's
# headers do not compile as C++20 bitcode everywhere.
override with_llvm = no

# install first: it looks at a fresh installation. Every other file is independent of the rest.
REGRESS        = install $(filter-out install,$(sort $(notdir $(basename $(wildcard sql/*.sql)))))
ISOLATION      = $(sort $(notdir $(basename $(wildcard test/isolation/specs/*.spec))))
REGRESS_OPTS   = --inputdir=. --load-extension=tenant_guard --encoding=UTF8 --no-locale
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=tenant_guard --encoding=UTF8 --no-locale
EXTRA_CLEAN    = $(install_script) $(upgrade_script) build results output_iso regression.diffs regression.out

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The core compiles without the server's include path: a server header there is a build error.
$(core_objects): %.o: %.cc
	$(CXX) $(core_flags) -MMD -MP -c -o $@ $<

$(zone_objects): CXXFLAGS += -MMD -MP
$(OBJS): tenant_guard.control
-include $(OBJS:.o=.d)
EXTRA_CLEAN += $(OBJS:.o=.d)

fragments = $(sort $(wildcard sql/install/*.sql))
$(install_script): $(fragments) tenant_guard.control
	cat $(fragments) > $@

$(upgrade_script): tenant_guard--%.sql: sql/upgrade/%.sql sql/upgrade/assemble $(fragments) tenant_guard.control
	bash sql/upgrade/assemble $< $(fragments) > $@
.DELETE_ON_ERROR:

.PHONY: lint fuzz majors scale bench soak
lint: all
	bash test/lint/layering
	bash test/lint/text

majors:
	bash test/harness/majors

.PHONY: pg-upgrade
pg-upgrade:
	bash test/harness/pg_upgrade

scale:
	bash test/scale/run $(TABLES)

soak:
	bash test/soak/run $(or $(SECONDS),600)

bench:
	bash test/bench/run $(if $(QUICK),quick)

fuzz:
	$(MAKE) -C test/fuzz SECONDS=$(or $(SECONDS),60)
