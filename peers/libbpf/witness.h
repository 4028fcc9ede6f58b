/* What the parts of the libbpf witness share.
 *
 * inside.c is libbpf.c itself plus a few readers of its private state;
 * intercept.c stands between libbpf and the machine; emit.c prints;
 * main.c drives. Only inside.c knows libbpf's private structures.
 */
#ifndef WITNESS_H
#define WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct bpf_insn;
struct bpf_core_relo_res;
struct btf;

/* One thing that libbpf resolved at one instruction of one function. */
struct note {
	int insn; /* index in the function before linking, in the stream after */
	int extern_idx; /* in the object's externs, -1 for a CO-RE relocation */
	int kind; /* enum bpf_core_relo_kind */
	const char *outcome;
	uint64_t old_value, new_value;
};

struct notes {
	struct note *at;
	size_t len, cap;
};

struct extern_view {
	const char *name;
	const char *module; /* NULL for vmlinux */
	bool is_kernel_symbol, is_typed, is_resolved, is_function;
	bool is_strong;
};

struct map_view {
	const char *name; /* the section's or the symbol's own */
	uint32_t type, key_size, value_size, max_entries, flags;
	const void *initial; /* NULL where there are no contents */
	size_t initial_len;
};

/* A program as libbpf hands it to bpf(2). */
struct stream {
	const char *program, *section;
	struct bpf_insn *insns; /* ours: a copy */
	size_t len;
	const void *func_info, *line_info;
	uint32_t func_info_size, func_info_len;
	uint32_t line_info_size, line_info_len;
	struct notes notes;
	bool big_endian;
	/* what the kernel checks the program against */
	uint32_t type, attach_btf_id, expected_attach_type;
	const char *attach_module; /* NULL for vmlinux */
};

struct settings {
	bool real_kernel; /* pass everything on, only look */
	bool lines;
	bool attach; /* what programs attach to, instead of their streams */
	bool verbose;
	uint32_t release; /* KERNEL_VERSION of the target, 0: newest */
	const char *kconfig, *kallsyms;
};

extern struct settings settings;

/* inside.c */
struct bpf_object;
/* PASS_VARIABLE: one struct_ops variable by itself, whatever its programs are. */
enum pass { PASS_WHOLE, PASS_ALONE, PASS_VARIABLE };
struct bpf_object *inside_open(const char *path);
int inside_load(struct bpf_object *obj, enum pass pass, size_t only);
void inside_close(struct bpf_object *obj);
size_t inside_program_count(const struct bpf_object *obj);
const char *inside_program_name(const struct bpf_object *obj, size_t i);
const char *inside_program_section(const struct bpf_object *obj, size_t i);
bool inside_is_entry(const struct bpf_object *obj, size_t i);
size_t inside_map_count(const struct bpf_object *obj);
void inside_map(const struct bpf_object *obj, size_t i, struct map_view *view);
bool inside_is_struct_ops(const struct bpf_object *obj, size_t map);
bool inside_is_struct_ops_program(const struct bpf_object *obj, size_t i);
bool inside_struct_ops(const struct bpf_object *obj, size_t map, struct map_view *view);
const char *inside_map_name_by_fd(const struct bpf_object *obj, int fd);
size_t inside_map_value_size_by_fd(int fd);
void inside_extern(const struct bpf_object *obj, int i, struct extern_view *view);
const struct btf *inside_btf(const struct bpf_object *obj);

/* main.c: libbpf is about to load program `i` */
void captured(struct bpf_object *obj, size_t i, struct stream *stream);

/* intercept.c */
int target_add(const char *spec);
bool target_is_given(void);
int target_prepare(void); /* reads all that every object will ask for */

/* text.c */
void emit_string(FILE *out, const char *s);

/* emit.c */
void emit_program(FILE *out, const struct bpf_object *obj, const struct stream *s);
void emit_attach(FILE *out, const struct stream *s);
void emit_failure(FILE *out, const char *program, const char *section, const char *why);
void emit_map(FILE *out, const struct map_view *map);
const char *emit_unresolved(const struct bpf_object *obj, const struct stream *s);

#endif
