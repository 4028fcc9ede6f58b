/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the sample needs of a BPF environment, so that it compiles with clang
 * alone: no vmlinux.h, no libbpf headers.
 */
#ifndef EXAMPLES_BPF_H
#define EXAMPLES_BPF_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define noinline __attribute__((noinline))
/* The compiler records how a field is reached instead of its offset (CO-RE). */
#define CORE __attribute__((preserve_access_index))
/* Keeps the optimizer from knowing a value. */
#define opaque(v) asm volatile("" : "+r"(v))

/* --- maps of .maps: a struct of pointers whose types are the definition */
#define map_uint(name, value) int(*name)[value]
#define map_type(name, t) __typeof__(t) *name
#define map_values(name, t) __typeof__(t) *name[]

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_PROG_ARRAY 3
#define BPF_MAP_TYPE_PERCPU_ARRAY 6
#define BPF_MAP_TYPE_ARRAY_OF_MAPS 12
#define BPF_MAP_TYPE_RINGBUF 27

/* --- helpers, by their number in linux/bpf.h */
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static void *(*const bpf_get_current_task)(void) = (void *)35;
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*const bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static long (*const bpf_ringbuf_output)(void *map, void *data, u64 size, u64 flags) = (void *)130;
static long (*const bpf_for_each_map_elem)(void *map, void *callback, void *ctx, u64 flags) = (void *)164;

/* --- what CO-RE can ask; the numbers are clang's own, of its builtins */
#define field_offset(field) __builtin_preserve_field_info(field, 0)
#define field_size(field) __builtin_preserve_field_info(field, 1)
#define field_exists(field) __builtin_preserve_field_info(field, 2)
#define field_signed(field) __builtin_preserve_field_info(field, 3)
#define field_lshift(field) __builtin_preserve_field_info(field, 4)
#define field_rshift(field) __builtin_preserve_field_info(field, 5)
#define type_exists(t) __builtin_preserve_type_info(*(t *)0, 0)
#define type_size(t) __builtin_preserve_type_info(*(t *)0, 1)
#define enum_exists(e, value) __builtin_preserve_enum_value(*(e *)value, 0)
#define enum_value(e, value) __builtin_preserve_enum_value(*(e *)value, 1)

/* Reads a field of a CORE struct into `to`. */
#define read_field(to, field) bpf_probe_read_kernel(to, sizeof(*(to)), &(field))

/* Follows a pointer field. */
#define follow(pointer, field)                          \
	({                                              \
		__typeof__((pointer)->field) next_ = 0; \
		read_field(&next_, (pointer)->field);   \
		next_;                                  \
	})

#endif
