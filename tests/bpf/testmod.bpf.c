/* Every way to a function and to the tracepoints of a module, the kernel selftests' bpf_testmod:
 * each program writes into a place of its own what it finds. kernels/testmod_runs.py has what
 * must stand there when 100 bytes were read of the module's file, which fails with EIO. */
#include "bpf.h"

struct {
	uint(type, BPF_MAP_TYPE_ARRAY);
	uint(max_entries, 9);
	type(key, u32);
	type(value, u64);
} found SEC(".maps");

/* As the module has it, with its members in another order. */
struct bpf_testmod_test_read_ctx {
	unsigned long len;
	char *buf;
	s64 off;
} preserve;

static noinline int put(u32 place, u64 value)
{
	u64 *at = bpf_map_lookup_elem(&found, &place);

	if (at)
		*at = value;
	return 0;
}

SEC("fentry/bpf_testmod_test_read") int entered(u64 *ctx)
{
	return put(0, ctx[5]);
}

SEC("fexit/bpf_testmod_test_read") int left(u64 *ctx)
{
	return put(1, -(int)ctx[6]);
}

SEC("fentry/bpf_testmod:bpf_testmod_test_read") int entered_by_module(u64 *ctx)
{
	return put(2, ctx[5]);
}

SEC("tp_btf/bpf_testmod_test_read") int typed_tracepoint(u64 *ctx)
{
	struct bpf_testmod_test_read_ctx *read = (void *)ctx[1];

	return put(3, read->len);
}

SEC("raw_tp/bpf_testmod_test_read") int raw_tracepoint(u64 *ctx)
{
	struct bpf_testmod_test_read_ctx *read = (void *)ctx[1];
	unsigned long length = 0;

	bpf_probe_read_kernel(&length, sizeof length, &read->len);
	return put(4, length);
}

SEC("tp/bpf_testmod/bpf_testmod_test_read") int tracepoint(void *ctx)
{
	return put(5, 1);
}

SEC("kprobe/bpf_testmod_test_read") int probe(void *ctx)
{
	return put(6, 1);
}

SEC("kretprobe/bpf_testmod_test_read") int return_probe(void *ctx)
{
	return put(7, 1);
}

SEC("kprobe.multi/bpf_testmod_test_re*") int many_probes(void *ctx)
{
	return put(8, 1);
}

SEC("license") char _license[] = "GPL";
