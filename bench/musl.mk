# Part of Makefile: bpflink and libbpf in static programs on musl, with an allocator that suits a
# short process. Nothing of glibc is in them, whose start takes longer on some machines than the link.

MUSL_PREFIX := $(BUILD)/musl/prefix
# The kernel's headers are not among musl's.
MUSL_CC := musl-gcc $(C_FLAGS) -static
KERNEL_HEADERS := -idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)
LIBBPF_SYS = $(patsubst %/,%,$(dir $(LIBBPF_SOURCE)))

musl: $(BUILD)/bpflink-musl $(BUILD)/libbpf-musl

$(BUILD)/bpflink-musl: c/bpflink.c c/arena.c c/runner.c c/digest.c c/runner.h install
	$(MAKE) --no-print-directory -s -C $(TOP) install-lib SHARED=no CARGO_BUILD_TARGET=$(MUSL_TARGET) PREFIX=$(MUSL_PREFIX)
	$(MUSL_CC) -o $@.linked $(filter %.c,$^) \
	  $$(PKG_CONFIG_PATH=$(MUSL_PREFIX)/lib/pkgconfig pkg-config --static --cflags --libs bpflink)
	$(placed)

# libelf and zlib are those that the crate libbpf-sys has beside libbpf.
LIBELF_CONFIG := -include eu-config.h -DHAVE_CONFIG_H -DHAVE_ERR_H -DHAVE_VISIBILITY -DHAVE_GCC_STRUCT \
  -DHAVE_DECL_REALLOCARRAY -DHAVE_DECL_MEMRCHR -DHAVE_DECL_MREMAP '-DPACKAGE="elfutils"' -DHAVE_UNISTD_H
LIBELF_EXTRA := $(addprefix elfutils/lib/,crc32_file.c next_prime.c)

$(BUILD)/libbpf-musl: c/libbpf.c c/arena.c c/runner.c c/digest.c c/runner.h ../peers/libbpf/syscall.h $(PEERS)/libbpf-load
	@mkdir -p $(BUILD)/musl/objects && touch $(BUILD)/musl/config.h
	cd $(BUILD)/musl/objects && musl-gcc -O2 -g -std=gnu11 -w -D_GNU_SOURCE -D_LARGEFILE64_SOURCE $(LIBELF_CONFIG) \
	  -I .. $(foreach d,elfutils/lib elfutils/libelf zlib,-I $(LIBBPF_SYS)/$d) $(KERNEL_HEADERS) -c \
	  $(wildcard $(LIBBPF_SYS)/elfutils/libelf/*.c $(LIBBPF_SYS)/zlib/*.c) $(addprefix $(LIBBPF_SYS)/,$(LIBELF_EXTRA))
	$(MUSL_CC) -w -D_LARGEFILE64_SOURCE -D_FILE_OFFSET_BITS=64 \
	  $(foreach d,libbpf/src libbpf/include libbpf/include/uapi elfutils/libelf zlib,-I $(LIBBPF_SYS)/$d) $(KERNEL_HEADERS) \
	  -o $@.linked $(filter %.c,$^) $(wildcard $(LIBBPF_SYS)/libbpf/src/*.c) $(BUILD)/musl/objects/*.o \
	  $(WRAPPED:%=-Wl,--wrap=%)
	$(placed)
