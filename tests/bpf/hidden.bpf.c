/* A function that reads through a pointer that its parameters alone do not prove. */
#include "bpf.h"

struct __sk_buff {
	u32 len;
};

VISIBILITY noinline int unchecked(const int *pointer)
{
	return *pointer + 4;
}

SEC("tc") int entry(struct __sk_buff *ctx)
{
	int value = 30;

	return unchecked(&value);
}

SEC("license") char _license[] = "GPL";
