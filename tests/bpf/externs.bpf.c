/*
 * Everything that a program can ask of a kernel by name. Each program returns 0, or the
 * number of the first thing that is not as the tests' kernel has it.
 */
#include "bpf.h"

#define kconfig __attribute__((section(".kconfig")))
#define ksym __attribute__((section(".ksyms")))

enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

extern int LINUX_KERNEL_VERSION kconfig;
extern _Bool LINUX_HAS_SYSCALL_WRAPPER kconfig;
extern _Bool LINUX_HAS_BPF_COOKIE kconfig;
extern u8 CONFIG_U8 kconfig;
extern u16 CONFIG_U16 kconfig;
extern u32 CONFIG_U32 kconfig;
extern u64 CONFIG_U64 kconfig;
extern s8 CONFIG_S8 kconfig;
extern s16 CONFIG_S16 kconfig;
extern s32 CONFIG_S32 kconfig;
extern s64 CONFIG_S64 kconfig;
extern _Bool CONFIG_ON kconfig;
extern _Bool CONFIG_OFF kconfig;
extern enum libbpf_tristate CONFIG_MODULE kconfig;
extern enum libbpf_tristate CONFIG_BUILT_IN kconfig;
extern char CONFIG_LETTER kconfig;
extern char CONFIG_TEXT[6] kconfig;
extern u64 CONFIG_ABSENT_NUMBER kconfig weak;
extern _Bool CONFIG_ABSENT_SWITCH kconfig weak;
extern enum libbpf_tristate CONFIG_ABSENT_CHOICE kconfig weak;
extern char CONFIG_ABSENT_TEXT[4] kconfig weak;

#define check(number, holds) if (!(holds)) return number

SEC("kprobe/configured")
int configured(void *context)
{
	check(1, LINUX_KERNEL_VERSION == (6 << 16 | 1 << 8 | 5));
	check(2, LINUX_HAS_SYSCALL_WRAPPER);
	check(3, LINUX_HAS_BPF_COOKIE);
	check(4, CONFIG_U8 == 255);
	check(5, CONFIG_U16 == 0xffff);
	check(6, CONFIG_U32 == 0xfffffffe);
	check(7, CONFIG_U64 == 0xfffffffffffffffe);
	check(8, CONFIG_S8 == -128);
	check(9, CONFIG_S16 == -32768);
	check(10, CONFIG_S32 == -5);
	check(11, CONFIG_S64 == -6);
	check(12, CONFIG_ON);
	check(13, !CONFIG_OFF);
	check(14, CONFIG_MODULE == TRI_MODULE);
	check(15, CONFIG_BUILT_IN == TRI_YES);
	check(16, CONFIG_LETTER == 'm');
	/* A longer text is cut, and keeps its NUL. */
	check(17, CONFIG_TEXT[0] == 'h' && CONFIG_TEXT[4] == 'o' && CONFIG_TEXT[5] == 0);
	return 0;
}

SEC("kprobe/weakly_configured")
int weakly_configured(void *context)
{
	check(1, CONFIG_ABSENT_NUMBER == 0);
	check(2, !CONFIG_ABSENT_SWITCH);
	check(3, CONFIG_ABSENT_CHOICE == TRI_NO);
	check(4, CONFIG_ABSENT_TEXT[0] == 0);
	return 0;
}

extern const void untyped ksym;
extern const void untyped_absent ksym weak;

SEC("kprobe/addresses")
int addresses(void *context)
{
	check(1, (u64)&untyped == 0xffffffff81234567);
	check(2, !&untyped_absent);
	return 0;
}

struct state {
	int value;
};

extern const struct state typed ksym;
extern const struct state typed_of_module ksym;
extern const struct state typed_absent ksym weak;

/* Loads of kernel variables by their types: nothing that could run here. */
SEC("?kprobe/variables")
u64 variables(void *context)
{
	if (!&typed_absent)
		return (u64)&typed ^ (u64)&typed_of_module;
	return 0;
}

int kernel_function(int number) ksym;
int module_function(int number) ksym;
int absent_function(int number) ksym weak;
int kernel_function___flavour(int number) ksym weak;
int changed_function(int number) ksym weak;

SEC("?kprobe/functions")
int functions(void *context)
{
	int sum = kernel_function(1) + module_function(2);

	if (absent_function)
		sum += absent_function(3);
	if (kernel_function___flavour)
		sum += kernel_function___flavour(4);
	if (changed_function)
		sum += changed_function(5);
	return sum;
}

struct task {
	int pid;
} preserve;

float unused_by_programs;
static long (*probe_read_user)(void *, u32, const void *) = (void *)112;

/* What depends on the target in other ways: BTF of kinds, a helper, a CO-RE answer. */
SEC("kprobe/others")
int others(struct task *task)
{
	int pid = 0;

	probe_read_user(&pid, sizeof pid, &task->pid);
	return pid;
}

char gpl[] SEC("license") = "GPL";
