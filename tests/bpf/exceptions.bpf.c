/* Programs that throw: with a callback, with one that calls on, with none. */
#include "bpf.h"

struct __sk_buff {
	u32 len;
};

struct task_struct {
	int pid;
} preserve;

extern void bpf_throw(u64 cookie) __attribute__((section(".ksyms")));

#define exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))

static noinline u64 doubled(u64 cookie)
{
	barrier_var(cookie);
	return cookie * 2;
}

noinline u64 handler(u64 cookie)
{
	/* Decided by CO-RE: 1 on every Linux. */
	return doubled(cookie) + type_info(struct task_struct, BPF_TYPE_EXISTS);
}

noinline u64 plain_handler(u64 cookie)
{
	barrier_var(cookie);
	return cookie + 7;
}

static noinline int checked(struct __sk_buff *ctx)
{
	if (ctx->len < 1000)
		bpf_throw(20);
	return 1;
}

SEC("tc")
exception_cb(handler)
int with_callback(struct __sk_buff *ctx)
{
	return checked(ctx) + 1;
}

SEC("tc")
exception_cb(plain_handler)
int with_plain_callback(struct __sk_buff *ctx)
{
	bpf_throw(30);
	return 0;
}

SEC("tc")
int without_callback(struct __sk_buff *ctx)
{
	return checked(ctx) + 1;
}

SEC("license") char _license[] = "GPL";
