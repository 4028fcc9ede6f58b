/* Variables in the arena: plain, static, weak, hidden, zero, larger than a page. */
#include "bpf.h"

#define BPF_MAP_TYPE_ARENA 33
#define arena __attribute__((address_space(1)))
#define PAGES 100

char LICENSE[] SEC("license") = "GPL";

struct {
	uint(type, BPF_MAP_TYPE_ARENA);
	uint(map_flags, 1 << 10); /* BPF_F_MMAPABLE */
	uint(max_entries, PAGES);
} memory SEC(".maps");

int arena one = 1;
static s64 arena two = 22;
hidden int arena many[5000] = { 1, 2, 3 };
weak int arena four = 4;
s64 arena zero;

static noinline int add(int by)
{
	two += by;
	many[4999] += by;
	return many[4999];
}

/* 1 + 1; 22 + 2 = 24; many[4999] = 2; 24 + 2 + 2 + 4 + 0 = 32 */
SEC("syscall") int run(void *ctx)
{
	int sum;

	one += 1;
	sum = add(one);
	zero = zero + two;
	return zero + sum + many[1] + *(volatile int arena *)&four;
}
