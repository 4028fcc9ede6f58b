/*
 * A program that is probed: probed.bpf.c says at what, and kernels/probes.py what must be seen.
 * The notes of its USDT probes are made by <sys/sdt.h>, their arguments chosen by the compiler.
 */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#define noinline __attribute__((noinline))
#define SEMAPHORE(probe) \
	__extension__ unsigned short bpflink_##probe##_semaphore __attribute__((section(".probes"), used))

SEMAPHORE(numbers);
SEMAPHORE(twice);
SEMAPHORE(guarded);
SEMAPHORE(indexed);

struct pair {
	char before[24];
	long value;
};

static int table[8] = { 0, 10, 20, 30, 40, -50, 60, 70 };

noinline void numbers(struct pair *pair, signed char a, short b, unsigned short c, int d, unsigned e)
{
	long far = -5000000000l;
	unsigned long wide = 0xfedcba9876543210ul;
	volatile int in_memory = -123456;
	volatile unsigned char byte = 200;

	__asm__("" : "+r"(far), "+r"(wide));
	STAP_PROBE12(bpflink, numbers, a, byte, b, c, d, e, far, wide, 7, -9, in_memory, pair->value);
}

noinline void at_two_places(int n)
{
	STAP_PROBE1(bpflink, twice, n);
	if (n > 1)
		STAP_PROBE1(bpflink, twice, 1000);
}

/* Not reached but by one who counts: the kernel raises the semaphore while somebody probes. */
noinline void guarded(long n)
{
	if (bpflink_guarded_semaphore)
		STAP_PROBE1(bpflink, guarded, n);
}

noinline void indexed(int *numbers, long at)
{
#ifdef __x86_64__
	__asm__ volatile("" : "+r"(numbers), "+r"(at));
	STAP_PROBE1(bpflink, indexed, numbers[at]);
#endif
}

noinline long probed_one(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

noinline long probed_two(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

/* The same function by another name: one place all the same. */
long probed_two_again(long n) __attribute__((alias("probed_two")));

noinline long not_probed(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 2;
}

int main(void)
{
	struct pair pair = { "", 0x1122334455667788l };

	numbers(&pair, -1, -300, 60000, -70000, 3000000000u);
	at_two_places(1);
	at_two_places(20);
	guarded(4242);
	indexed(table, 5);
	probed_one(31);
	probed_two(1);
	probed_two_again(2);
	not_probed(3);
	return 0;
}
