/* What the programs of this folder need, without any other header. */
#ifndef BPFLINK_TEST_BPF_H
#define BPFLINK_TEST_BPF_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define noinline __attribute__((noinline))
#define weak __attribute__((weak))
#define hidden __attribute__((visibility("hidden")))
#define preserve __attribute__((preserve_access_index))
#define barrier_var(v) asm volatile("" : "+r"(v))

#define uint(name, val) int(*name)[val]
#define type(name, val) typeof(val) *name
#define array(name, val) typeof(val) *name[]

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_PROG_ARRAY 3
#define BPF_MAP_TYPE_ARRAY_OF_MAPS 12

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*bpf_loop)(u32 times, void *callback, void *ctx, u64 flags) = (void *)181;

enum { BPF_FIELD_BYTE_OFFSET = 0, BPF_FIELD_BYTE_SIZE, BPF_FIELD_EXISTS, BPF_FIELD_SIGNED, BPF_FIELD_LSHIFT_U64, BPF_FIELD_RSHIFT_U64 };
enum { BPF_TYPE_ID_LOCAL = 0, BPF_TYPE_ID_TARGET };
enum { BPF_TYPE_EXISTS = 0, BPF_TYPE_SIZE, BPF_TYPE_MATCHES };
enum { BPF_ENUMVAL_EXISTS = 0, BPF_ENUMVAL_VALUE };

#define field_info(field, info) __builtin_preserve_field_info(field, info)
#define type_id(t, flag) __builtin_btf_type_id(*(t *)0, flag)
#define type_info(t, flag) __builtin_preserve_type_info(*(t *)0, flag)
#define enum_value(e, v, flag) __builtin_preserve_enum_value(*(e *)v, flag)

#endif
