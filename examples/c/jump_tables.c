// SPDX-License-Identifier: MIT OR Apache-2.0
/* Tables of indirect jumps: for each one a map, which belongs to one program. */
#include "loader.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* struct bpf_insn_array_value of linux/bpf.h since 6.19. */
struct target {
	__u32 original; /* the slot in the program as it is loaded */
	__u32 translated;
	__u32 jitted;
	__u32 unused;
};

/* The verifier believes a table that cannot change any more. */
static int fill(int map, const bpflink_jump_table_info *table)
{
	for (__u32 key = 0; key < table->target_count; key++) {
		struct target value = { .original = table->targets[key] };

		if (map_update(map, &key, &value))
			return -1;
	}
	return map_freeze(map);
}

static int make(const bpflink_jump_table_info *table)
{
	union bpf_attr attr;
	int map, reason;

	memset(&attr, 0, sizeof attr);
	attr.map_type = MAP_TYPE_INSN_ARRAY;
	attr.key_size = sizeof(__u32);
	attr.value_size = sizeof(struct target);
	attr.max_entries = table->target_count;
	copy_name(attr.map_name, "", table->name);
	map = map_create(&attr);
	if (map < 0 || !fill(map, table))
		return map;
	reason = errno;
	close(map);
	errno = reason;
	return -1;
}

/* Makes the program's tables, and tells its instructions their file descriptors. */
int make_jump_tables(struct loader *l, size_t index, struct bpf_insn *insns)
{
	struct program *p = &l->programs[index];
	size_t count = bpflink_program_jump_table_count(l->linked, index);

	p->jump_tables = calloc(count + 1, sizeof *p->jump_tables);
	for (size_t n = 0; p->jump_tables && n < count; n++) {
		bpflink_jump_table_info table = { .size = sizeof table };
		int map = -1;

		if (!bpflink_program_jump_table(l->linked, index, n, &table))
			map = make(&table);
		if (map < 0) {
			snprintf(p->reason, sizeof p->reason, "jump table %.100s: %s", table.name,
				 strerror(errno));
			return -1;
		}
		p->jump_tables[p->jump_table_count++] = map;
		for (uint32_t i = 0; i < table.insn_count; i++)
			insns[table.insns[i]].imm = map;
	}
	return p->jump_tables ? 0 : -1;
}

/* A loaded program keeps its maps itself. */
void close_jump_tables(struct program *p)
{
	for (size_t n = 0; n < p->jump_table_count; n++)
		close(p->jump_tables[n]);
	p->jump_table_count = 0;
	free(p->jump_tables);
	p->jump_tables = NULL;
}
