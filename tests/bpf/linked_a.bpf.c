/* The first of two files that are linked into one object. */
#include "linked.h"

struct absent {
	int field;
} preserve;

#define ksym __attribute__((section(".ksyms")))
extern void bpf_rcu_read_lock(void) ksym;
extern void bpf_rcu_read_unlock(void) ksym;
extern u64 shared_value;
extern struct counters shared_map maps;

struct counters own_map maps;

static volatile u8 byte_of_a = 3;
static volatile int same_counter;

/* Overridden by the other file: its body stays in .text, and nothing leads there. */
weak noinline int overridden(struct __sk_buff *ctx)
{
	return ctx->len + field_info(((struct absent *)ctx)->field, BPF_FIELD_EXISTS);
}

static noinline int same(struct __sk_buff *ctx)
{
	/* 11 for the first run. */
	return 10 + ++same_counter + 50000 * type_info(struct absent, BPF_TYPE_EXISTS);
}

SEC("tc") int from_a(struct __sk_buff *ctx)
{
	u32 key = 2;
	u64 *stored;
	int sum;

	bpf_rcu_read_lock();
	/* 2000 + 11 + 121 + 300 + 3 */
	sum = overridden(ctx) + same(ctx) + defined_in_b(ctx) + shared_value + byte_of_a;
	bpf_rcu_read_unlock();
	if (LINUX_KERNEL_VERSION && LINUX_KERNEL_VERSION == version_of_b(ctx))
		sum += 10000;
	stored = bpf_map_lookup_elem(&shared_map, &key);
	if (stored)
		*stored = 7000;
	stored = bpf_map_lookup_elem(&own_map, &key);
	if (stored)
		*stored = sum;
	return sum + stored_in_b(ctx);
}

SEC("license") char _license[] = "GPL";
