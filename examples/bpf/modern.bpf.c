// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * BTF as compilers write it for the newest kernels, and a map that cannot be without BTF:
 * older kernels load it only when what they do not know has been replaced.
 */
#include "bpf.h"

enum { XDP_ABORTED = 0, XDP_PASS = 2 };

static long (*const bpf_spin_lock)(void *lock) = (void *)93;
static long (*const bpf_spin_unlock)(void *lock) = (void *)94;

/* Linux 5.13, 5.16, 5.17, 6.0: kinds of BTF that came one after the other. */
float ratio = 1.5;
__attribute__((btf_decl_tag("example"))) u64 tagged = 1;
char __attribute__((btf_type_tag("example"))) * typed;
enum wide { WIDE = 0x100000000ull } choice = WIDE;

/* The kernel finds the lock by the BTF of the value. */
struct bpf_spin_lock {
	u32 value;
};

struct counted {
	struct bpf_spin_lock lock;
	u32 count;
};

struct {
	map_uint(type, BPF_MAP_TYPE_ARRAY);
	map_uint(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct counted);
} counters SEC(".maps");

SEC("xdp")
int count(void *context)
{
	struct counted *counted;
	u32 zero = 0;

	counted = bpf_map_lookup_elem(&counters, &zero);
	if (!counted)
		return XDP_ABORTED;
	bpf_spin_lock(&counted->lock);
	counted->count++;
	bpf_spin_unlock(&counted->lock);
	return tagged && choice == WIDE && !typed ? XDP_PASS : XDP_ABORTED;
}

char gpl[] SEC("license") = "GPL";
