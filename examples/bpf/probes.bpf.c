// SPDX-License-Identifier: MIT OR Apache-2.0
/* Probes: of the loader itself, at whose function they count, and of many functions of the
 * kernel at once. */
#include "bpf.h"

struct {
	map_uint(type, BPF_MAP_TYPE_ARRAY);
	map_uint(max_entries, 3);
	map_type(key, u32);
	map_type(value, u64);
} hits SEC(".maps");

static noinline int hit(u32 index)
{
	u64 *count = bpf_map_lookup_elem(&hits, &index);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

SEC("uprobe//proc/self/exe:map_lookup")
int entered(void *ctx)
{
	return hit(0);
}

SEC("uretprobe//proc/self/exe:map_lookup")
int returned(void *ctx)
{
	return hit(1);
}

SEC("?kprobe.multi/__x64_sys_bp*")
int many(void *ctx)
{
	return hit(2);
}

char LICENSE[] SEC("license") = "GPL";
