// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What only a module has: functions of nf_conntrack that programs may call, and a type
 * whose layout changed (Linux 6.11 made it longer). Test runs of `lookup` return
 * XDP_PASS when the module did what it is asked: it finds no connection.
 */
#include "bpf.h"

#define ksym __attribute__((section(".ksyms")))
#define weak __attribute__((weak))
#define type_id(t) __builtin_btf_type_id(*(t *)0, 1)

enum { XDP_ABORTED = 0, XDP_DROP = 1, XDP_PASS = 2 };
enum { UDP = 17, THIS_NETWORK = -1, NO_ENTRY = -2 };

struct xdp_md {
	u32 data;
};

struct bpf_sock_tuple {
	u32 addresses[2];
	unsigned short ports[2];
};

/* What the module calls so; this much of it every version takes. */
struct bpf_ct_opts {
	s32 netns_id;
	s32 error;
	u8 l4proto;
	u8 dir;
	u8 reserved[2];
};

/* The same, where it is asked what the module's own one is like. */
struct bpf_ct_opts___asked {
	s32 error;
	u8 dir;
} CORE;

struct bpf_no_such_opts {
	s32 error;
} CORE;

struct nf_conn {
	unsigned long status;
} CORE;

struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *context, struct bpf_sock_tuple *tuple, u32 size,
				  struct bpf_ct_opts *opts, u32 opts_size) ksym;
void bpf_ct_release(struct nf_conn *found) ksym;
void bpf_no_such_function(struct nf_conn *found) ksym weak;

/* What is asked about the module's type: its id, its size, where two members are. */
u64 facts[4];
u64 absent;

SEC("xdp")
int lookup(struct xdp_md *context)
{
	struct bpf_sock_tuple tuple = { .addresses = { 0x0100007f, 0x0100007f }, .ports = { 1, 1 } };
	struct bpf_ct_opts opts = { .netns_id = THIS_NETWORK, .l4proto = UDP };
	struct bpf_ct_opts___asked *asked = 0;
	struct nf_conn *found;

	facts[0] = type_id(struct bpf_ct_opts___asked);
	facts[1] = type_size(struct bpf_ct_opts___asked);
	facts[2] = field_offset(asked->error);
	facts[3] = field_offset(asked->dir);
	absent = type_exists(struct bpf_no_such_opts);

	found = bpf_xdp_ct_lookup(context, &tuple, sizeof tuple, &opts, sizeof opts);
	if (found) {
		if (bpf_no_such_function)
			bpf_no_such_function(found);
		bpf_ct_release(found);
		return XDP_DROP;
	}
	if (absent || !facts[0] || facts[1] < sizeof opts)
		return XDP_ABORTED;
	return opts.error == NO_ENTRY ? XDP_PASS : XDP_DROP;
}

char gpl[] SEC("license") = "GPL";
