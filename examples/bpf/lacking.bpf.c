// SPDX-License-Identifier: MIT OR Apache-2.0
/* Programs that need what no kernel has: a loader has to say what that is. */
#include "bpf.h"

extern int bpf_no_such_function(u64 value) __attribute__((weak, section(".ksyms")));

struct task_struct___lacking {
	int no_such_field;
} CORE;

SEC("raw_tp/sys_enter")
int calls(void *ctx)
{
	return bpf_no_such_function(1);
}

SEC("raw_tp/sys_enter")
int reads(void *ctx)
{
	struct task_struct___lacking *task = bpf_get_current_task();
	int value = 0;

	read_field(&value, task->no_such_field);
	return value;
}

char LICENSE[] SEC("license") = "GPL";
