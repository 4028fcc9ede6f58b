# bpflink: build, install, demonstrate, check.
#
#   make                   the shared and static library and the command
#   make install           PREFIX= LIBDIR= INCLUDEDIR= BINDIR= PKGCONFIGDIR= DESTDIR=
#   make uninstall         with the same variables
#   make setup             what the demonstration and the checks need of this machine
#   make demo              link and load a sample object through the C ABI
#   make check             every check, one after the other; check-NAME for one of them
#   make check-tools       libbpf-tools loaded by libbpf and by the example loader, compared
#   make check-selftests   the same for all of the kernel's selftests
#   make check-peers       all objects and kernels of the cache, linked by three other linkers too
#   make corpus            all the real programs that bpflink is compared over, compiled (corpus/README.md)
#   make fuzz              FUZZ=object|kernel|stream|files SECONDS=600: input that nobody wrote (fuzz/README.md)
#   make bench             bpflink beside libbpf, cilium/ebpf and aya-obj: how fast, how much memory
#
# Building needs cargo and a C linker, nothing else. Offline: CARGOFLAGS="--locked --offline".
# SHARED=no builds and installs the static library alone, as for a target that has no other:
#   make install SHARED=no CARGO_BUILD_TARGET=x86_64-unknown-linux-musl PREFIX=...

PREFIX       ?= /usr/local
EXEC_PREFIX  ?= $(PREFIX)
BINDIR       ?= $(EXEC_PREFIX)/bin
LIBDIR       ?= $(EXEC_PREFIX)/lib
INCLUDEDIR   ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
DESTDIR      ?=
SHARED       ?= yes

CARGO      ?= cargo
CARGOFLAGS ?= --locked
INSTALL    ?= install

# The soname's number is the ABI's, which has nothing to do with the crate's version.
VERSION := $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
ABI     := $(shell sed -n 's/^pub const BPFLINK_ABI: u32 = \([0-9]*\);/\1/p' src/capi/version.rs)
SONAME  := libbpflink.so.$(ABI)
REALNAME := $(SONAME).$(VERSION)

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# With a target triple cargo puts everything one folder deeper.
OUT := $(TARGET_DIR)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)release

# The unwinder, by which a panic ends at the ABI, from the compiler's archive: a shared library
# less to load, which costs a short process a twentieth of its time. Where there is no archive,
# or of another machine than this, it is libgcc_s.
UNWINDER := $(if $(CARGO_BUILD_TARGET),,$(wildcard $(shell $(CC) -print-file-name=libgcc_eh.a)))
UNWIND   := $(if $(UNWINDER),-L native=$(dir $(UNWINDER)) -l static:-bundle=gcc_eh)
# In a static library for musl it is the one that comes with Rust's: a compiler for glibc that is
# made to use musl has none that fits.
ifeq ($(SHARED),no)
MUSL     := $(wildcard $(if $(filter %-musl,$(CARGO_BUILD_TARGET)),$(shell $(or $(RUSTC),rustc) \
              --print target-libdir --target $(CARGO_BUILD_TARGET))/self-contained/libunwind.a))
UNWIND   := $(if $(MUSL),-L native=$(dir $(MUSL)) -l static:+bundle=unwind)
endif

# The library is made small where that costs no speed to speak of (bench/README.md): less code that
# is copied to where it is called or repeated in loops, for what is hot says so itself; and one
# function in place of those whose code came out the same. The first are words of LLVM, the other
# is of its linker, which rustc uses by default on some machines: each is asked for when the library
# is built, and left out where it is not known.
LLVM_ARGS := -inline-threshold=50 -inlinehint-threshold=50 -unroll-threshold=60
SMALL := -C opt-level=2 $(LLVM_ARGS:%=-C llvm-args=%)
FOLD  := -C link-arg=-Wl,--icf=all
PROBE  = : | $(or $(RUSTC),rustc) --crate-name probe --crate-type cdylib $1 -o $(OUT)/probe.so - 2>/dev/null
known  = $(shell mkdir -p $(OUT) && $(call PROBE,$1) && echo '$1'; rm -f $(OUT)/probe.so)
SMALLER = $(call known,$(SMALL)) $(if $(CARGO_BUILD_TARGET),,$(call known,$(FOLD)))

ifeq ($(SHARED),no)
LIBRARY := $(OUT)/libbpflink.a
KINDS   := staticlib
else
LIBRARY := $(OUT)/libbpflink.so
KINDS   := cdylib,staticlib
endif

SOURCES := Cargo.toml Cargo.lock $(shell find src -name '*.rs')
COMMAND_SOURCES := cli/Cargo.toml $(shell find cli/src -name '*.rs')

.PHONY: all lib install install-lib uninstall header setup demo check corpus fuzz bench clean
all: lib $(OUT)/bpflink
lib: $(LIBRARY) $(OUT)/libbpflink.a $(OUT)/bpflink.pc

# --- building. Files, not phony: `sudo make install` finds all made and runs no cargo.

$(LIBRARY): $(SOURCES) Makefile
	$(CARGO) rustc $(CARGOFLAGS) --release --package bpflink --lib --features capi --crate-type $(KINDS) -- \
	  -C link-arg=-Wl,-soname,$(SONAME) $(UNWIND) $(SMALLER) --print native-static-libs=$(abspath $(OUT))/native-static-libs
	@touch $@

ifneq ($(LIBRARY),$(OUT)/libbpflink.a)
$(OUT)/libbpflink.a: $(LIBRARY)
	@touch $@
endif

$(OUT)/bpflink: $(SOURCES) $(COMMAND_SOURCES)
	$(CARGO) build $(CARGOFLAGS) --release --package bpflink-cli
	@touch $@

# Written anew each time, because it depends on the variables of this very call.
.PHONY: $(OUT)/bpflink.pc
$(OUT)/bpflink.pc: pkgconfig/bpflink.pc.in $(LIBRARY)
	@scripts/pkgconfig $< $(OUT)/native-static-libs '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)' '$(VERSION)' >$@

# --- installing

install: install-lib $(OUT)/bpflink
	$(INSTALL) -d '$(DESTDIR)$(BINDIR)'
	$(INSTALL) -m 755 $(OUT)/bpflink '$(DESTDIR)$(BINDIR)/bpflink'

install-lib: lib
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(PKGCONFIGDIR)'
ifneq ($(SHARED),no)
	$(INSTALL) -m 755 $(OUT)/libbpflink.so '$(DESTDIR)$(LIBDIR)/$(REALNAME)'
	ln -sf $(REALNAME) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(LIBDIR)/libbpflink.so'
endif
	$(INSTALL) -m 644 $(OUT)/libbpflink.a '$(DESTDIR)$(LIBDIR)/libbpflink.a'
	$(INSTALL) -m 644 include/bpflink.h '$(DESTDIR)$(INCLUDEDIR)/bpflink.h'
	$(INSTALL) -m 644 $(OUT)/bpflink.pc '$(DESTDIR)$(PKGCONFIGDIR)/bpflink.pc'

uninstall:
	rm -f '$(DESTDIR)$(LIBDIR)/$(REALNAME)' '$(DESTDIR)$(LIBDIR)/$(SONAME)' \
	  '$(DESTDIR)$(LIBDIR)/libbpflink.so' '$(DESTDIR)$(LIBDIR)/libbpflink.a' \
	  '$(DESTDIR)$(INCLUDEDIR)/bpflink.h' '$(DESTDIR)$(PKGCONFIGDIR)/bpflink.pc' \
	  '$(DESTDIR)$(BINDIR)/bpflink'

# --- developing

# The committed header, made anew from src/capi.
header: setup
	@. scripts/env.sh && scripts/header.sh

setup:
	@scripts/setup

demo: setup
	@scripts/demo

# One line `NAME: P passed, F failed, S skipped` for each, and one for all.
check: setup
	@scripts/check

check-%: setup
	@scripts/check $*

corpus: setup
	@. scripts/env.sh && corpus/all.py

bench: setup
	@. scripts/env.sh && $(MAKE) --no-print-directory -s -C bench && bench/run.py $(BENCH)

FUZZ    ?= object
SECONDS ?= 600
fuzz: setup
	@fuzz/build && { [ -d build/fuzz/seeds ] || fuzz/seed; } && fuzz/run $(FUZZ) -max_total_time=$(SECONDS)

clean:
	$(CARGO) clean
	rm -rf build
