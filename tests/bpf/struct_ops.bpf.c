// SPDX-License-Identifier: MIT OR Apache-2.0
/* struct_ops variables, and the kernel's types of them: linked for its own BTF as the kernel's. */

#define SEC(name) __attribute__((section(name), used))

struct demo_ops {
	int (*start)(unsigned long long *context);
	int (*stop)(unsigned long long *context);
	unsigned int flags;
	char name[16];
	void *owner;
};

/* The same as an object of another kernel would have it. */
struct demo_ops___other {
	char name[16];
	int (*gone)(unsigned long long *context);
	int (*stop)(unsigned long long *context);
	unsigned int flags;
};

struct common {
	int refcount;
	int state;
};

/* What the kernel makes of its own struct. */
struct bpf_struct_ops_demo_ops {
	struct common common;
	struct demo_ops data;
};

struct bpf_struct_ops_demo_ops kernel_type;

SEC("struct_ops/start")
int start(unsigned long long *context)
{
	return 1;
}

SEC("struct_ops.s/stop")
int stop(unsigned long long *context)
{
	return 2;
}

SEC("struct_ops")
int forgotten(unsigned long long *context)
{
	return 3;
}

SEC("fentry/vfs_read")
int traced(unsigned long long *context)
{
	return 0;
}

SEC(".struct_ops")
struct demo_ops whole = {
	.start = (void *)start,
	.stop = (void *)stop,
	.flags = 0x1234,
	.name = "whole",
};

SEC(".struct_ops.link")
struct demo_ops___other other = {
	.name = "other",
	.stop = (void *)stop,
	.flags = 7,
};

SEC("?.struct_ops.link")
struct demo_ops___other refused = {
	.name = "refused",
	.gone = (void *)start,
};

char gpl[] SEC("license") = "GPL";
