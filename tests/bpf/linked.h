/* What the files that are linked into one object share. */
#ifndef BPFLINK_TEST_LINKED_H
#define BPFLINK_TEST_LINKED_H
#include "bpf.h"

struct __sk_buff {
	u32 len;
};

struct task_struct {
	int pid;
} preserve;

struct counters {
	uint(type, BPF_MAP_TYPE_ARRAY);
	type(key, u32);
	type(value, u64);
	uint(max_entries, 4);
};

#define maps __attribute__((section(".maps")))
#define kconfig __attribute__((section(".kconfig")))

extern int LINUX_KERNEL_VERSION kconfig;

int overridden(struct __sk_buff *ctx);
int defined_in_b(struct __sk_buff *ctx);
int version_of_b(struct __sk_buff *ctx);
int stored_in_b(struct __sk_buff *ctx);

#endif
