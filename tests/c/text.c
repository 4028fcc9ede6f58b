/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The same text as tests/support/describe.rs writes through the Rust API. Every
 * accessor of the C ABI is called here, with every program, map and record.
 */
#include "text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct text *t, const char *bytes, size_t length)
{
	if (t->room - t->length < length + 1) {
		t->room = (t->length + length + 1) * 2;
		t->bytes = (char *)realloc(t->bytes, t->room);
		if (!t->bytes)
			abort();
	}
	memcpy(t->bytes + t->length, bytes, length);
	t->length += length;
	t->bytes[t->length] = 0;
}

/* Numbers only: names may be longer than any buffer. */
static void words(struct text *t, const char *format, ...)
{
	char line[512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof line)
		abort();
	add(t, line, (size_t)length);
}

static void name(struct text *t, const char *text)
{
	add(t, " ", 1);
	text = text ? text : "-";
	add(t, text, strlen(text));
}

static void hex(struct text *t, const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = (const unsigned char *)data;
	size_t i;

	add(t, " ", 1);
	for (i = 0; i < size; i++) {
		char pair[2];

		pair[0] = digits[bytes[i] >> 4];
		pair[1] = digits[bytes[i] & 15];
		add(t, pair, 2);
	}
}

static void text_error(struct text *t, const bpflink_error *error)
{
	bpflink_site site;

	memset(&site, 0, sizeof site);
	site.size = sizeof site;
	words(t, "error %u %d", bpflink_error_status(error), bpflink_error_errno(error));
	name(t, bpflink_error_message(error));
	if (bpflink_error_site(error, &site))
		words(t, " NO SITE");
	words(t, "\nsite");
	name(t, site.object);
	name(t, site.program);
	name(t, site.section);
	name(t, site.symbol);
	name(t, site.file);
	words(t, " %lld %lld %u %u\n", (long long)site.insn, (long long)site.record, site.line, site.column);
}

void text_outcome(struct text *t, const char *call, bpflink_status status, const bpflink_error *error)
{
	words(t, "%s %u\n", call, status);
	if (status)
		text_error(t, error);
}

static void definition(struct text *t, const bpflink_map_info *m)
{
	words(t, " %u %u %u %u %u %u %llu %u %u", m->type, m->key_size, m->value_size, m->max_entries,
	      m->map_flags, m->numa_node, (unsigned long long)m->map_extra, m->key_type_id,
	      m->value_type_id);
}

static void text_entries(struct text *t, const bpflink_object *object, size_t index)
{
	size_t number;

	for (number = 0; number < bpflink_object_map_entry_count(object, index); number++) {
		bpflink_map_entry e;

		memset(&e, 0, sizeof e);
		e.size = sizeof e;
		if (bpflink_object_map_entry(object, index, number, &e))
			continue;
		words(t, "entry %u %u", e.key, e.kind);
		name(t, e.name);
		words(t, "\n");
	}
}

static void text_map(struct text *t, const bpflink_object *object, size_t index)
{
	bpflink_map_info m;

	memset(&m, 0, sizeof m);
	m.size = sizeof m;
	if (bpflink_object_map(object, index, &m))
		words(t, "NO MAP\n");
	words(t, "map");
	name(t, m.name);
	name(t, m.section);
	words(t, " %u %u", m.origin, m.flags);
	definition(t, &m);
	hex(t, m.initial, m.initial_size);
	words(t, "\n");
	if (m.flags & BPFLINK_MAP_HAS_INNER) {
		if (bpflink_object_map_inner(object, index, &m))
			words(t, "NO INNER MAP\n");
		words(t, "inner");
		definition(t, &m);
		words(t, "\n");
	}
	text_entries(t, object, index);
}

static void text_extern(struct text *t, const bpflink_object *object, size_t index)
{
	bpflink_extern_info e;

	memset(&e, 0, sizeof e);
	e.size = sizeof e;
	if (bpflink_object_extern(object, index, &e))
		words(t, "NO EXTERN\n");
	words(t, "extern");
	name(t, e.name);
	words(t, " %u %u %u\n", e.kind, e.weak, e.btf_id);
}

void text_object(struct text *t, const bpflink_object *object)
{
	bpflink_object_info info;
	size_t i;

	memset(&info, 0, sizeof info);
	info.size = sizeof info;
	if (bpflink_object_get(object, &info))
		words(t, "NO OBJECT\n");
	words(t, "object");
	name(t, info.name);
	name(t, info.license);
	words(t, " %zu %zu %zu %u %u\n", info.btf_size, info.map_count, info.extern_count,
	      info.kernel_version, info.byte_order);
	for (i = 0; i < bpflink_object_extern_count(object); i++)
		text_extern(t, object, i);
	for (i = 0; i < bpflink_object_map_count(object); i++)
		text_map(t, object, i);
}

static void text_functions(struct text *t, const bpflink_programs *set, size_t index)
{
	size_t number;

	for (number = 0; number < bpflink_program_function_count(set, index); number++) {
		bpflink_function_info f;

		memset(&f, 0, sizeof f);
		f.size = sizeof f;
		if (bpflink_program_function(set, index, number, &f))
			words(t, "NO FUNCTION\n");
		words(t, "function %u %u", f.insn, f.insn_count);
		name(t, f.name);
		words(t, "\n");
	}
}

static void text_references(struct text *t, const bpflink_programs *set, size_t index)
{
	size_t number;

	for (number = 0; number < bpflink_program_reference_count(set, index); number++) {
		bpflink_reference_info r;

		memset(&r, 0, sizeof r);
		r.size = sizeof r;
		if (bpflink_program_reference(set, index, number, &r))
			words(t, "NO REFERENCE\n");
		words(t, "reference %u %u %u %u %lld %u %u", r.insn, r.kind, r.resolved, r.map, (long long)r.offset,
		      r.type_id, r.fd_array_index);
		name(t, r.name);
		name(t, r.module);
		words(t, "\n");
	}
}

static void numbers(struct text *t, const uint32_t *list, uint32_t count)
{
	uint32_t i;

	words(t, " %u:", count);
	for (i = 0; i < count; i++)
		words(t, " %u", list[i]);
}

static void text_jump_tables(struct text *t, const bpflink_programs *set, size_t index)
{
	size_t number;

	for (number = 0; number < bpflink_program_jump_table_count(set, index); number++) {
		bpflink_jump_table_info j;

		memset(&j, 0, sizeof j);
		j.size = sizeof j;
		if (bpflink_program_jump_table(set, index, number, &j))
			words(t, "NO JUMP TABLE\n");
		words(t, "jump_table");
		name(t, j.name);
		numbers(t, j.targets, j.target_count);
		numbers(t, j.insns, j.insn_count);
		words(t, "\n");
	}
}

static void text_relocations(struct text *t, const bpflink_programs *set, size_t index)
{
	size_t number;

	for (number = 0; number < bpflink_program_relocation_count(set, index); number++) {
		bpflink_relocation_info r;

		memset(&r, 0, sizeof r);
		r.size = sizeof r;
		if (bpflink_program_relocation(set, index, number, &r))
			words(t, "NO RELOCATION\n");
		words(t, "relocation %u %u %u %lld %lld", r.insn, r.kind, r.outcome, (long long)r.old_value,
		      (long long)r.new_value);
		name(t, r.local);
		name(t, r.target);
		name(t, r.reason);
		name(t, r.module);
		words(t, " %u %u\n", r.target_type_id, r.local_type_id);
	}
}

static void text_attach(struct text *t, const bpflink_programs *set, size_t index)
{
	bpflink_attach_info a;

	memset(&a, 0, sizeof a);
	a.size = sizeof a;
	if (bpflink_program_attach(set, index, &a))
		words(t, "NO ATTACH\n");
	words(t, "attach %u %u %llu %u %u", a.kind, a.flags, (unsigned long long)a.offset, a.btf_id, a.is_member);
	name(t, a.name);
	name(t, a.category);
	name(t, a.path);
	name(t, a.module);
	name(t, a.problem);
	words(t, "\n");
}

static void text_member(struct text *t, const bpflink_programs *set, size_t index, size_t number)
{
	bpflink_struct_ops_member m;

	memset(&m, 0, sizeof m);
	m.size = sizeof m;
	if (bpflink_programs_struct_ops_member(set, index, number, &m))
		words(t, "NO MEMBER\n");
	words(t, "member %u %llu %u %u %u %llu", m.local_offset, (unsigned long long)m.local_size, m.in_kernel,
	      m.kernel_index, m.kernel_offset, (unsigned long long)m.kernel_size);
	name(t, m.name);
	name(t, m.program);
	words(t, "\n");
}

static void text_struct_ops(struct text *t, const bpflink_programs *set, size_t index)
{
	bpflink_struct_ops_info v;
	size_t number;

	memset(&v, 0, sizeof v);
	v.size = sizeof v;
	if (bpflink_programs_struct_ops(set, index, &v))
		words(t, "NO VARIABLE\n");
	words(t, "struct_ops %u %u %u %u %u %u", v.flags, v.local_type_id, v.kernel_type_id, v.value_type_id,
	      v.data_offset, v.status);
	name(t, v.name);
	name(t, v.section);
	name(t, v.local_type);
	name(t, v.kernel_type);
	name(t, v.module);
	hex(t, v.value, v.value_size);
	words(t, "\n");
	for (number = 0; number < v.member_count; number++)
		text_member(t, set, index, number);
	if (bpflink_programs_struct_ops_error(set, index))
		text_error(t, bpflink_programs_struct_ops_error(set, index));
}

static void text_program(struct text *t, const bpflink_programs *set, size_t index)
{
	const bpflink_error *error = bpflink_program_error(set, index);
	bpflink_program_info p;
	int has_references = -1;

	memset(&p, 0, sizeof p);
	p.size = sizeof p;
	if (bpflink_programs_get(set, index, &p) ||
	    bpflink_has_function_references(set, index, &has_references))
		words(t, "NO PROGRAM\n");
	words(t, "program");
	name(t, p.name);
	name(t, p.section);
	name(t, p.license);
	words(t, " %zu %u %u %u %u %u %u %d\ninsns", p.insn_count, p.type, p.attach_type, p.load_flags,
	      p.flags, p.kernel_version, p.status, has_references);
	hex(t, p.insns, p.insn_count * 8);
	words(t, "\n");
	text_attach(t, set, index);
	text_functions(t, set, index);
	text_references(t, set, index);
	text_jump_tables(t, set, index);
	text_relocations(t, set, index);
	words(t, "func_info %u", p.func_info_rec_size);
	hex(t, p.func_info, (size_t)p.func_info_count * p.func_info_rec_size);
	words(t, "\nline_info %u", p.line_info_rec_size);
	hex(t, p.line_info, (size_t)p.line_info_count * p.line_info_rec_size);
	words(t, "\n");
	if (error)
		text_error(t, error);
}

void text_set(struct text *t, const bpflink_object *object, const bpflink_programs *set)
{
	size_t size = 0, i;
	const void *btf = bpflink_programs_btf(set, &size);

	words(t, "set %zu\n", bpflink_programs_count(set));
	for (i = 0; i < bpflink_programs_count(set); i++)
		text_program(t, set, i);
	words(t, "btf");
	hex(t, btf, size);
	words(t, "\n");
	for (i = 0; i < bpflink_object_map_count(object); i++) {
		bpflink_programs_map_contents(set, i, &size);
		words(t, "contents %zu %zu %llu\n", i, size,
		      (unsigned long long)bpflink_programs_map_contents_offset(set, i));
	}
	for (i = 0; i < bpflink_programs_struct_ops_count(set); i++)
		text_struct_ops(t, set, i);
	for (i = 0; i < bpflink_programs_warning_count(set); i++) {
		words(t, "warning");
		name(t, bpflink_programs_warning(set, i));
		words(t, "\n");
	}
}

void text_free(struct text *t)
{
	free(t->bytes);
	memset(t, 0, sizeof *t);
}
