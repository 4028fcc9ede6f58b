/* Probes of the program probed.c: each writes what it finds into places of its own. Uses libbpf's
 * header, whose functions read the arguments of USDT probes by what the loader tells them. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/usdt.bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 24);
	__type(key, __u32);
	__type(value, __s64);
} found SEC(".maps");

static __attribute__((noinline)) int add(__u32 place, __s64 value)
{
	__s64 *at = bpf_map_lookup_elem(&found, &place);

	if (at)
		*at += value;
	return 0;
}

static __attribute__((noinline)) int add_argument(struct pt_regs *ctx, __u32 number)
{
	long value = 0;

	return bpf_usdt_arg(ctx, number, &value) ? add(number, -77) : add(number, value);
}

SEC("usdt/./probed:bpflink:numbers") int numbers(struct pt_regs *ctx)
{
#pragma unroll
	for (__u32 number = 0; number < 12; number++)
		add_argument(ctx, number);
	return add(12, bpf_usdt_arg_cnt(ctx));
}

SEC("usdt/./probed:bpflink:twice") int BPF_USDT(twice, int n)
{
	return add(13, n);
}

SEC("usdt/./probed:bpflink:guarded") int BPF_USDT(guarded, long n)
{
	return add(14, n);
}

#ifdef INDEXED
SEC("usdt/./probed:bpflink:indexed") int BPF_USDT(indexed, int n)
{
	return add(15, n);
}
#endif

SEC("uprobe/./probed:probed_one") int one(struct pt_regs *ctx)
{
	return add(16, PT_REGS_PARM1(ctx));
}

SEC("?uprobe.multi/./probed:probed_*") int many(struct pt_regs *ctx)
{
	return add(17, PT_REGS_PARM1(ctx));
}

SEC("?uretprobe.multi/./probed:probed_*") int many_returns(struct pt_regs *ctx)
{
	return add(18, PT_REGS_RC(ctx));
}

char _license[] SEC("license") = "GPL";
