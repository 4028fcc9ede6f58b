/*
 * CO-RE relocations of every kind. The types are described again by the tests,
 * changed as another kernel would have changed them.
 */
#include "bpf.h"

enum color { RED = 1, GREEN = 2 };
enum wide { WIDE_SMALL = 3, WIDE_BIG = 0x80000001 };

struct inner {
	u32 pad;
	u16 value;
} preserve;

struct record {
	u32 id;
	u64 count;
	u32 flag : 3;
	s32 level : 5;
	struct inner nested;
	u32 list[4];
	struct {
		u8 deep;
	};
	u32 gone;
} preserve;

struct record___other {
	u64 added_later;
} preserve;

SEC("socket/fields") u64 fields(struct record *r)
{
	return r->id + r->count + r->nested.value + r->list[2] + r->deep;
}

/* How bpf_core_read.h reads a bitfield. */
#define BITFIELD(ptr, f)                                                              \
	({                                                                            \
		const void *at = (const void *)(ptr) + field_info((ptr)->f, BPF_FIELD_BYTE_OFFSET); \
		u64 value;                                                            \
		asm volatile("" : "=r"(at) : "0"(at));                                \
		switch (field_info((ptr)->f, BPF_FIELD_BYTE_SIZE)) {                  \
		case 1: value = *(const u8 *)at; break;                               \
		case 2: value = *(const u16 *)at; break;                              \
		case 4: value = *(const u32 *)at; break;                              \
		case 8: value = *(const u64 *)at; break;                              \
		default: value = 0;                                                   \
		}                                                                     \
		value <<= field_info((ptr)->f, BPF_FIELD_LSHIFT_U64);                 \
		field_info((ptr)->f, BPF_FIELD_SIGNED)                                \
			? (u64)((s64)value >> field_info((ptr)->f, BPF_FIELD_RSHIFT_U64)) \
			: value >> field_info((ptr)->f, BPF_FIELD_RSHIFT_U64);        \
	})

SEC("socket/flag") u64 read_flag(struct record *r)
{
	return BITFIELD(r, flag);
}

SEC("socket/level") u64 read_level(struct record *r)
{
	return BITFIELD(r, level);
}

SEC("socket/exists") u64 exists(struct record *r)
{
	struct record___other *o = (void *)r;

	return field_info(r->id, BPF_FIELD_EXISTS) | field_info(r->gone, BPF_FIELD_EXISTS) << 1 |
	       field_info(o->added_later, BPF_FIELD_EXISTS) << 2;
}

SEC("socket/guarded") u64 guarded(struct record *r)
{
	if (field_info(r->gone, BPF_FIELD_EXISTS))
		return r->gone;
	return 77;
}

SEC("socket/types") u64 types(void *ctx)
{
	return type_info(struct record, BPF_TYPE_EXISTS) | type_info(struct record, BPF_TYPE_SIZE) << 8 |
	       type_info(struct inner, BPF_TYPE_MATCHES) << 1;
}

SEC("socket/ids") u64 ids(void *ctx)
{
	return type_id(struct record, BPF_TYPE_ID_TARGET);
}

SEC("socket/enums") u64 enums(void *ctx)
{
	return enum_value(enum color, GREEN, BPF_ENUMVAL_VALUE) |
	       enum_value(enum color, RED, BPF_ENUMVAL_EXISTS) << 8;
}

SEC("socket/wide") u64 wide(void *ctx)
{
	return enum_value(enum wide, WIDE_BIG, BPF_ENUMVAL_VALUE);
}

SEC("license") char _license[] = "GPL";
