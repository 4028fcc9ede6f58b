// SPDX-License-Identifier: MIT OR Apache-2.0
/* Running a program once with BPF_PROG_TEST_RUN. */
#include "loader.h"
#include <string.h>

/* The smallest packet that test runs of all network programs take. */
#define PACKET_SIZE 64
#define RAW_TRACEPOINT_ARGUMENTS 2

static int takes_packet(__u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		return 1;
	default:
		return 0;
	}
}

int run_program(struct program *p, __u32 *result)
{
	__u64 arguments[RAW_TRACEPOINT_ARGUMENTS] = { 0 };
	unsigned char packet[PACKET_SIZE] = { 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.test.prog_fd = p->fd;
	if (takes_packet(p->info.type)) {
		packet[12] = 8; /* Ethernet, IPv4 */
		packet[14] = 0x45;
		attr.test.data_in = (uintptr_t)packet;
		attr.test.data_size_in = sizeof packet;
		attr.test.repeat = 1;
	} else if (p->info.type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
		attr.test.ctx_in = (uintptr_t)arguments;
		attr.test.ctx_size_in = sizeof arguments;
	}
	if (sys_bpf(BPF_PROG_TEST_RUN, &attr))
		return -1;
	*result = attr.test.retval;
	return 0;
}
