/*
 * Tables of indirect jumps (gotox) in a program that is not the first of its section and
 * in a function that it calls. clang makes them from version 22 on; what it made stands
 * beside this file, for those who have an older one:
 *
 *   clang-22 -target bpfel -O2 -g -mcpu=v4 -mllvm -bpf-min-jump-table-entries=3 \
 *            -I. -c jumps.bpf.c -o jumps.bpfel.elf && llvm-strip-22 -g jumps.bpfel.elf
 *
 * and the same with bpfeb.
 */
#include "bpf.h"

char LICENSE[] SEC("license") = "GPL";

volatile int in = 4;
static volatile int side;

static noinline int pick(int number)
{
	switch (number) {
	case 0: side += 7; return 1;
	case 1: side *= 23; return 2;
	case 2: side ^= 3; return 3;
	case 3: side -= 99; return 4;
	case 4: side = 100; return 1000;
	case 5: side = 1234; return 6;
	case 6: side |= 1234; return 7;
	default: return -1;
	}
}

SEC("syscall") int first(void *ctx)
{
	return 0;
}

/* pick gives 1000 and sets side to 100; in becomes -96: together 1004 */
SEC("syscall") int run(void *ctx)
{
	int sum = pick(in);

	switch (in) {
	case 0: in++; break;
	case 1: in += sum; break;
	case 2: in *= 3; sum++; break;
	case 3: in = 9; break;
	case 4: in -= 100; break;
	case 5: in ^= 1234; break;
	case 6: in ^= 0x1234; break;
	default: sum += 5;
	}
	return sum + in + side;
}
