/* Maps of every way to define one, and data sections of every name. */
#include "bpf.h"

struct value {
	u64 a;
	u32 b;
};

struct {
	uint(type, BPF_MAP_TYPE_HASH);
	uint(max_entries, 128);
	type(key, u32);
	type(value, struct value);
} typed SEC(".maps");

struct {
	uint(type, BPF_MAP_TYPE_ARRAY);
	uint(max_entries, 3);
	uint(key_size, 4);
	uint(value_size, 24);
	uint(map_flags, 1024); /* BPF_F_MMAPABLE */
	uint(pinning, 1);      /* LIBBPF_PIN_BY_NAME */
} sized SEC(".maps");

struct inner {
	uint(type, BPF_MAP_TYPE_ARRAY);
	uint(max_entries, 1);
	type(key, u32);
	type(value, u64);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	uint(max_entries, 4);
	type(key, u32);
	array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [1] = (void *)&inner_b, [3] = (void *)&inner_a },
};

int tail(void *ctx);

struct {
	uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	uint(max_entries, 2);
	uint(key_size, 4);
	array(values, int(void *));
} jumps SEC(".maps") = {
	.values = { [1] = (void *)&tail },
};

u64 counter = 41;
u64 zeroed;
const volatile u32 limit = 0x11223344;
SEC(".bss.own") u32 own_zero[4];
SEC(".data.own") u32 own_data[2] = { 5, 6 };
static volatile u32 hidden_static[3] = { 7, 8, 9 };

SEC("socket/tail") int tail(void *ctx)
{
	return 0;
}

SEC("socket/lookup") int lookup(void *ctx)
{
	u32 key = 1;
	struct value *value = bpf_map_lookup_elem(&typed, &key);

	if (value)
		return value->b;
	return bpf_map_lookup_elem(&sized, &key) != 0;
}

/* 41 + 0 + 0x11223344 + 6 + 9 + 0 */
SEC("socket/data") int data(void *ctx)
{
	counter += 1;
	zeroed += counter; /* 42 */
	own_zero[2] += 3;
	return zeroed + limit + own_data[1] + hidden_static[2] + own_zero[2];
}

SEC("license") char _license[] = "Dual MIT/GPL";
