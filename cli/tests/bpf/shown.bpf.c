/* One program for each thing that the command has to show. */
#include "bpf.h"

struct thing {
	u32 a;
	u32 b;
} preserve;

struct modular {
	u32 x;
} preserve;

struct unheard_of {
	u32 y;
} preserve;

struct {
	uint(type, BPF_MAP_TYPE_HASH);
	type(key, u32);
	type(value, u64);
	uint(max_entries, 16);
	uint(map_flags, 1);
} counts SEC(".maps");

const volatile u32 limit = 0x01020304;
u64 pad;
u64 total;

extern int unknown_to_every_kernel(void) __attribute__((section(".ksyms")));

noinline int counted(u32 key)
{
	u64 *count = bpf_map_lookup_elem(&counts, &key);

	return count ? *count : 0;
}

/* Reads a field, calls a function, uses a map and two data sections. */
SEC("kprobe/reads")
int reads(void *ctx)
{
	struct thing *thing = ctx;
	u32 b = 0;

	bpf_probe_read_kernel(&b, sizeof b, &thing->b);
	pad = 1;
	total += counted(b) + limit;
	return 0;
}

/* Asks for what the target has under another layout, and for what it lacks. */
SEC("kprobe/asks")
int asks(struct unheard_of *lost)
{
	if (type_info(struct unheard_of, BPF_TYPE_EXISTS))
		return lost->y;
	return type_info(struct thing, BPF_TYPE_SIZE);
}

/* Its type lives in a module. */
SEC("?kprobe/module")
int module(struct modular *modular)
{
	return modular->x;
}

/* Nobody has this function. */
SEC("kprobe/fails")
int fails(void *ctx)
{
	return unknown_to_every_kernel();
}

char LICENSE[] SEC("license") = "GPL";
