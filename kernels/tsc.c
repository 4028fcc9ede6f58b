/* Prints the host's time stamp counter frequency in kHz, rounded to 1000. */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC_RAW, &at);
	return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

int main(void)
{
	double start = now(), end;
	unsigned long long ticks = __rdtsc();

	do
		end = now();
	while (end - start < 40);
	ticks = __rdtsc() - ticks;
	/* Ticks per millisecond are kHz. */
	printf("%ld000\n", (long)((double)ticks / (end - start) / 1000 + 0.5));
	return 0;
}
