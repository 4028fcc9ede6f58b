/* Between libbpf and the kernel, with `--wrap=syscall`: who includes this answers bpf(2). */
#ifndef WITNESS_SYSCALL_H
#define WITNESS_SYSCALL_H

#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>

union bpf_attr;

/* Whether the call is answered here, and how; errno as of the call itself. */
static bool answer_bpf(long command, union bpf_attr *attr, long *answer);

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long arg[6], answer;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf && answer_bpf(arg[0], (union bpf_attr *)arg[1], &answer))
		return answer;
	return __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

#endif
