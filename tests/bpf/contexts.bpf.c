/* Global functions that take the program's context by the tag arg:ctx. */
#include "bpf.h"

struct __sk_buff {
	u32 len;
};

struct xdp_md {
	u32 data;
};

struct pt_regs {
	u64 r15;
};

#define arg_ctx __attribute__((btf_decl_tag("arg:ctx")))

static long (*bpf_skb_load_bytes)(const void *ctx, u32 offset, void *to, u32 len) = (void *)26;
static long (*bpf_xdp_adjust_head)(const void *ctx, int delta) = (void *)44;
static u64 (*bpf_get_func_ip)(void *ctx) = (void *)173;

/* Only a context gets past the verifier in these helpers. */
weak int load_byte(void *ctx arg_ctx, u32 offset)
{
	u8 byte = 1;

	if (bpf_skb_load_bytes(ctx, offset, &byte, 1))
		return 100;
	return byte + 11;
}

weak int two_contexts(void *one arg_ctx, void *two arg_ctx)
{
	return load_byte(one, 0) + load_byte(two, 1);
}

weak int move_head(void *ctx arg_ctx)
{
	return bpf_xdp_adjust_head(ctx, 0) + 5;
}

weak int function_address(struct pt_regs *ctx arg_ctx)
{
	return bpf_get_func_ip(ctx) != 0;
}

SEC("tc") int from_tc(struct __sk_buff *ctx)
{
	return load_byte(ctx, 3);
}

SEC("socket") int from_socket(struct __sk_buff *ctx)
{
	return two_contexts(ctx, ctx);
}

SEC("xdp") int from_xdp(struct xdp_md *ctx)
{
	return move_head(ctx);
}

SEC("kprobe/do_nanosleep") int from_kprobe(struct pt_regs *ctx)
{
	return function_address(ctx);
}

SEC("license") char _license[] = "GPL";
