/* What only a kernel's configuration and symbols can answer. */
#include "bpf.h"

#define kconfig __attribute__((section(".kconfig")))
#define ksym __attribute__((section(".ksyms")))

extern int LINUX_KERNEL_VERSION kconfig;
extern u64 CONFIG_HZ kconfig;
extern const void somewhere ksym;

SEC("kprobe/configured")
int configured(void *ctx)
{
	return LINUX_KERNEL_VERSION + CONFIG_HZ;
}

SEC("kprobe/addressed")
u64 addressed(void *ctx)
{
	return (u64)&somewhere;
}

char LICENSE[] SEC("license") = "GPL";
