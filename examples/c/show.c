// SPDX-License-Identifier: MIT OR Apache-2.0
/* What the user sees. */
#include "loader.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTCOMES 4
#define SHOWN_ENTRIES 32
#define SHOWN_BYTES 64

static void show_functions(struct loader *l, size_t index)
{
	size_t count = bpflink_program_function_count(l->linked, index);

	for (size_t n = 0; n < count; n++) {
		bpflink_function_info f = { .size = sizeof f };

		if (!bpflink_program_function(l->linked, index, n, &f))
			printf("    %5u  %s, %u instructions\n", f.insn, f.name, f.insn_count);
	}
}

static void show_relocations(struct loader *l, size_t index)
{
	size_t count = bpflink_program_relocation_count(l->linked, index);

	for (size_t n = 0; n < count; n++) {
		bpflink_relocation_info r = { .size = sizeof r };

		if (bpflink_program_relocation(l->linked, index, n, &r))
			continue;
		printf("    %5u  %s of %s: %s", r.insn, bpflink_relocation_kind_name(r.kind), r.local,
		       bpflink_outcome_name(r.outcome));
		if (r.outcome == BPFLINK_OUTCOME_PATCHED)
			printf(", %lld -> %lld", (long long)r.old_value, (long long)r.new_value);
		if (r.reason)
			printf(" (%s)", r.reason);
		printf("\n");
	}
}

static void count_outcomes(struct loader *l, size_t index, size_t counts[OUTCOMES])
{
	size_t count = bpflink_program_relocation_count(l->linked, index);

	for (size_t n = 0; n < count; n++) {
		bpflink_relocation_info r = { .size = sizeof r };

		if (!bpflink_program_relocation(l->linked, index, n, &r) && r.outcome < OUTCOMES)
			counts[r.outcome]++;
	}
}

static void show_program(struct loader *l, size_t index)
{
	const struct program *p = &l->programs[index];
	size_t counts[OUTCOMES] = { 0 };

	printf("  %-24s %-28s %5zu instructions, %zu functions", p->info.name, p->info.section,
	       p->info.insn_count, bpflink_program_function_count(l->linked, index));
	count_outcomes(l, index, counts);
	for (uint32_t o = 0; o < OUTCOMES; o++)
		if (counts[o])
			printf(", %zu %s", counts[o], bpflink_outcome_name(o));
	if (p->info.flags & BPFLINK_PROGRAM_FAILED)
		printf(": not linked: %s", p->reason);
	printf("\n");
	if (l->options.verbose) {
		show_functions(l, index);
		show_relocations(l, index);
	}
}

static void show_variable(struct loader *l, size_t index)
{
	const bpflink_struct_ops_info *v = &l->variables[index].info;

	printf("  struct_ops %-13s %-28s struct %s, %zu bytes", v->name, v->section, v->local_type,
	       v->value_size);
	for (size_t n = 0; n < v->member_count; n++) {
		bpflink_struct_ops_member m = { .size = sizeof m };

		if (!bpflink_programs_struct_ops_member(l->linked, index, n, &m) && m.program)
			printf(", %s at %u", m.name, m.kernel_offset);
	}
	if (v->flags & BPFLINK_STRUCT_OPS_FAILED)
		printf(": %s", l->variables[index].reason);
	printf("\n");
}

/* What the library made of the object; nothing was loaded yet. */
void show_link(struct loader *l)
{
	printf("linked %s for %s\n", l->options.object, l->options.btf ? l->options.btf : "this kernel");
	for (size_t i = 0; i < l->program_count; i++)
		show_program(l, i);
	for (size_t i = 0; i < l->variable_count; i++)
		show_variable(l, i);
}

static void print_hex(const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
}

/* Names and final streams: what the examples of other languages compare with. */
void show_dump(struct loader *l)
{
	for (size_t i = 0; i < l->program_count; i++) {
		const bpflink_program_info *p = &l->programs[i].info;

		printf("%s ", p->name);
		print_hex(p->insns, p->flags & BPFLINK_PROGRAM_FAILED ? 0 : p->insn_count * 8);
		printf("\n");
	}
}

void show_loaded(struct loader *l)
{
	for (size_t i = 0; i < l->map_count; i++) {
		const struct map *m = &l->maps[i];

		printf("  map %-24s type %2u, key %u, value %u, %u entries: ", m->info.name, m->info.type,
		       m->info.key_size, m->info.value_size, m->info.max_entries);
		if (m->fd < 0)
			printf("NOT CREATED: %s\n", m->reason);
		else
			printf("fd %d\n", m->fd);
	}
	for (size_t i = 0; i < l->variable_count; i++) {
		const struct variable *v = &l->variables[i];

		if (v->wanted)
			printf("  struct_ops %-21s %s%s\n", v->info.name,
			       v->fd < 0 ? "NOT CREATED: " : "created", v->fd < 0 ? v->reason : "");
	}
	for (size_t i = 0; i < l->program_count; i++) {
		const struct program *p = &l->programs[i];

		if (!p->wanted)
			printf("  program %-24s left out: loaded only when asked for (section %s)\n",
			       p->info.name, p->info.section);
		else if (p->fd >= 0)
			printf("  program %-24s loaded: fd %d\n", p->info.name, p->fd);
		else
			printf("  program %-24s NOT LOADED: %s\n", p->info.name, p->reason);
		if (p->log && p->fd < 0 && l->options.verbose)
			printf("%s\n", p->log);
	}
}

static void show_row(const char *kind, const char *section, const char *name, int fd, int error,
		     const char *reason)
{
	printf("%s\t%s\t%s\t%s\t%d\t%s\n", kind, section, name, fd >= 0 ? "loaded" : "refused", error,
	       fd >= 0 ? "" : reason);
}

void show_table(struct loader *l)
{
	for (size_t i = 0; i < l->map_count; i++)
		show_row("map", "", l->maps[i].info.name, l->maps[i].fd, 0, l->maps[i].reason);
	for (size_t i = 0; i < l->variable_count; i++) {
		const struct variable *v = &l->variables[i];

		if (v->wanted)
			show_row("map", v->info.section, v->info.name, v->fd, 0, v->reason);
	}
	for (size_t i = 0; i < l->program_count; i++) {
		const struct program *p = &l->programs[i];

		if (p->wanted)
			show_row("program", p->info.section, p->info.name, p->fd, p->error, p->reason);
	}
}

static int is_zero(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return 0;
	return 1;
}

static int is_per_cpu(__u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static size_t show_entries(const struct map *m, unsigned char *key, unsigned char *value, size_t size)
{
	unsigned char *previous = NULL;
	size_t found = 0;

	while (!map_next_key(m->fd, previous, key)) {
		previous = key;
		if (map_lookup(m->fd, key, value) || is_zero(value, size))
			continue;
		if (found++ >= SHOWN_ENTRIES)
			continue;
		printf("    ");
		print_hex(key, m->info.key_size);
		printf(": ");
		print_hex(value, size < SHOWN_BYTES ? size : SHOWN_BYTES);
		printf(size > SHOWN_BYTES ? "...\n" : "\n");
	}
	return found;
}

/* The first entries of each map that are not all zeros. */
void show_contents(struct loader *l)
{
	for (size_t i = 0; i < l->map_count; i++) {
		const struct map *m = &l->maps[i];
		size_t each = (m->info.value_size + 7) / 8 * 8;
		size_t size = is_per_cpu(m->info.type) ? each * possible_cpus() : m->info.value_size;
		unsigned char *key = calloc(1, m->info.key_size + 1);
		unsigned char *value = calloc(1, size + 1);

		if (m->fd >= 0 && m->info.key_size && key && value) {
			printf("  map %s:\n", m->info.name);
			printf("    %zu entries\n", show_entries(m, key, value, size));
		}
		free(key);
		free(value);
	}
}
