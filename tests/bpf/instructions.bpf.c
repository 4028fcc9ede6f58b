/* One function for each kind of instruction of -mcpu=v4 (and some that only newer
 * assemblers spell): a bit for each right answer. */
#include "bpf.h"

struct __sk_buff {
	u32 len;
};

/* Unknown to the compiler, so that nothing is computed beforehand. */
volatile s64 minus_seven = -7;
volatile s32 three = 3;
volatile s8 minus_two = -2;
volatile u32 swapped = 0x11223344;
u64 counter = 40;
u32 counter32 = 40;

static noinline int signed_division(void)
{
	return minus_seven / three == -2;
}

static noinline int signed_modulo(void)
{
	return minus_seven % three == -1;
}

static noinline int sign_extending_load(void)
{
	s64 value = minus_two;

	barrier_var(value);
	return value == -2;
}

static noinline int sign_extending_move(void)
{
	s64 value = minus_seven + 0x100;

	value = (s8)value;
	barrier_var(value);
	return value == -7;
}

static noinline int byte_swap(void)
{
	u32 value = __builtin_bswap32(swapped);

	barrier_var(value);
	return value == 0x44332211;
}

static noinline int fetch(void)
{
	u64 old = __sync_fetch_and_add(&counter, 2);
	u32 old32 = __sync_fetch_and_or(&counter32, 3);

	return old == 40 && counter == 42 && old32 == 40 && counter32 == 43;
}

static noinline int exchange(void)
{
	u64 value = 5;

	return __sync_val_compare_and_swap(&value, 5, 6) == 5 &&
	       __sync_lock_test_and_set(&value, 7) == 6 && value == 7;
}

/* load_acquire and store_release of eight bytes, a gotol over an instruction. */
static noinline int ordered(void)
{
	u64 value = 9, found;

	asm volatile("r1 = %[at]\n"
		     "r2 = 11\n"
		     ".byte 0xdb, 0x21, 0, 0, 0x10, 0x01, 0, 0\n"
		     ".byte 0xdb, 0x10, 0, 0, 0x00, 0x01, 0, 0\n"
		     "if r2 != 11 goto 1f\n"
		     "gotol 2f\n"
		     "1: r0 = 0\n"
		     "2:\n"
		     "%[found] = r0\n"
		     : [found] "=r"(found)
		     : [at] "r"(&value)
		     : "r0", "r1", "r2", "memory");
	return found == 11;
}

static noinline int bounded(void)
{
	u64 rounds = 0;

	/* may_goto over what would be a loop's body, and a 32-bit jump. */
	asm volatile("%[rounds] = 0\n"
		     ".byte 0xe5, 0, 1, 0, 0, 0, 0, 0\n"
		     "%[rounds] += 1\n"
		     "r0 = 1\n"
		     "if w0 != 0 goto 2f\n"
		     "%[rounds] = 8\n"
		     "2:\n"
		     : [rounds] "+r"(rounds)
		     :
		     : "r0");
	return rounds == 1;
}

SEC("tc") int all(struct __sk_buff *ctx)
{
	int sum = 0;

	sum |= signed_division() << 0;
	sum |= signed_modulo() << 1;
	sum |= sign_extending_load() << 2;
	sum |= sign_extending_move() << 3;
	sum |= byte_swap() << 4;
	sum |= fetch() << 5;
	sum |= exchange() << 6;
	sum |= ordered() << 7;
	sum |= bounded() << 8;
	return sum;
}

SEC("license") char _license[] = "GPL";
