// SPDX-License-Identifier: MIT OR Apache-2.0
/* What goes into maps before programs are loaded, and after. */
#include "loader.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct map *find_map(struct loader *l, const char *name)
{
	for (size_t i = 0; i < l->map_count; i++)
		if (!strcmp(l->maps[i].info.name, name))
			return &l->maps[i];
	return NULL;
}

static int is_read_only(const bpflink_map_info *info)
{
	return info->origin == BPFLINK_MAP_RODATA || info->origin == BPFLINK_MAP_KCONFIG;
}

/* The first value. A frozen map is a constant to the verifier, so freezing comes before loading. */
static int fill_data(struct loader *l, size_t index)
{
	const struct map *m = &l->maps[index];
	/* What the object says; of .kconfig, what the target says. */
	const void *contents = bpflink_programs_map_contents(l->linked, index, NULL);
	__u32 zero = 0;

	if (contents && map_update(m->fd, &zero, contents))
		return -1;
	return is_read_only(&m->info) ? map_freeze(m->fd) : 0;
}

static void fill_entries(struct loader *l, size_t map, uint32_t kind)
{
	for (size_t n = 0; n < bpflink_object_map_entry_count(l->object, map); n++) {
		bpflink_map_entry entry = { .size = sizeof entry };
		const struct program *program;
		const struct map *inner;
		int fd = -1;

		if (bpflink_object_map_entry(l->object, map, n, &entry) || entry.kind != kind)
			continue;
		if (kind == BPFLINK_ENTRY_MAP) {
			inner = find_map(l, entry.name);
			fd = inner ? inner->fd : -1;
		} else {
			program = find_program(l, entry.name);
			fd = program ? program->fd : -1;
		}
		if (fd < 0 || map_update(l->maps[map].fd, &entry.key, &fd))
			fprintf(stderr, "map %s: entry %u, %s: %s\n", l->maps[map].info.name, entry.key,
				entry.name, fd < 0 ? "not loaded" : strerror(errno));
	}
}

void fill_maps(struct loader *l)
{
	for (size_t i = 0; i < l->map_count; i++) {
		struct map *m = &l->maps[i];

		if (m->fd < 0)
			continue;
		if (is_arena(m) ? fill_arena(l, i) : fill_data(l, i))
			fprintf(stderr, "map %s: contents: %s\n", m->info.name, strerror(errno));
		fill_entries(l, i, BPFLINK_ENTRY_MAP);
	}
}

void fill_program_arrays(struct loader *l)
{
	for (size_t i = 0; i < l->map_count; i++)
		if (l->maps[i].fd >= 0)
			fill_entries(l, i, BPFLINK_ENTRY_PROGRAM);
}
