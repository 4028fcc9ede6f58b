/* Relocations in the programs, in what they call and in what that calls. */
#include "bpf.h"

struct task {
	u32 pid;
	u64 start;
	struct task *parent;
} preserve;

static noinline u64 started(struct task *t)
{
	barrier_var(t);
	return t->start;
}

noinline u64 parents_start(struct task *t)
{
	barrier_var(t);
	return started(t->parent) + t->parent->pid;
}

SEC("socket/one") u64 one(struct task *t)
{
	return t->pid + parents_start(t);
}

SEC("socket/two") u64 two(struct task *t)
{
	return started(t) + field_info(t->pid, BPF_FIELD_EXISTS);
}

SEC("license") char _license[] = "GPL";
