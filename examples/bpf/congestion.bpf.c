// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A TCP congestion control, twice: registered by its map, and by a link (Linux 6.4),
 * for which the loader has to be asked. Only the members that it has are declared; where
 * the kernel keeps them is found when it is linked.
 */
#include "bpf.h"

struct tcp_congestion_ops___example {
	unsigned int (*ssthresh)(u64 *context);
	unsigned int (*undo_cwnd)(u64 *context);
	void (*cong_avoid)(u64 *context);
	char name[16];
};

/* The kernel passes the arguments as an array of 64-bit values. */
SEC("struct_ops/ssthresh")
unsigned int ssthresh(u64 *context)
{
	return 2;
}

SEC("struct_ops/undo_cwnd")
unsigned int undo_cwnd(u64 *context)
{
	return 10;
}

SEC("struct_ops/cong_avoid")
void cong_avoid(u64 *context)
{
}

SEC(".struct_ops")
struct tcp_congestion_ops___example by_map = {
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.name = "bpflink_map",
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops___example by_link = {
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.name = "bpflink_link",
};

char gpl[] SEC("license") = "GPL";
