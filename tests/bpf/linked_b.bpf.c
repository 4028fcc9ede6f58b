/* The second of two files that are linked into one object. */
#include "linked.h"

extern int CONFIG_BPFLINK_KNOWS_NOTHING_OF_IT kconfig weak;

struct counters shared_map maps;

/* Eight bytes, behind the one byte of the other file. */
volatile u64 shared_value = 300;
static volatile int same_counter;

static noinline int same(struct __sk_buff *ctx)
{
	/* 21 for the first run. */
	return 20 + ++same_counter;
}

noinline int overridden(struct __sk_buff *ctx)
{
	return 2000 + 0 * ctx->len;
}

/* Nobody can verify it by its parameters: it is verified where it is called. */
hidden noinline int unchecked(const int *pointer)
{
	return *pointer;
}

noinline int defined_in_b(struct __sk_buff *ctx)
{
	int hundred = 100 * field_info(((struct task_struct *)ctx)->pid, BPF_FIELD_EXISTS);

	return same(ctx) + unchecked(&hundred);
}

noinline int version_of_b(struct __sk_buff *ctx)
{
	return LINUX_KERNEL_VERSION + CONFIG_BPFLINK_KNOWS_NOTHING_OF_IT;
}

noinline int stored_in_b(struct __sk_buff *ctx)
{
	u32 key = 2;
	u64 *stored = bpf_map_lookup_elem(&shared_map, &key);

	return stored ? *stored : 0;
}

SEC("tc") int from_b(struct __sk_buff *ctx)
{
	return overridden(ctx) + shared_value + same(ctx);
}
