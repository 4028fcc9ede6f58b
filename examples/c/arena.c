// SPDX-License-Identifier: MIT OR Apache-2.0
/* Arenas: memory that programs and this process share, at one address for both. */
#define _GNU_SOURCE
#include "loader.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int is_arena(const struct map *m)
{
	return m->info.type == MAP_TYPE_ARENA;
}

/*
 * The kernel must know the address before it verifies programs. An arena whose
 * map_extra names one is put there; else the kernel chooses. Its entries are pages.
 */
static int map_arena(struct map *m)
{
	void *wanted = (void *)(uintptr_t)m->info.map_extra;
	int flags = MAP_SHARED | (wanted ? MAP_FIXED_NOREPLACE : 0);
	size_t size = (size_t)m->info.max_entries * sysconf(_SC_PAGESIZE);
	void *memory = mmap(wanted, size, PROT_READ | PROT_WRITE, flags, m->fd, 0);

	if (memory == MAP_FAILED)
		return -1;
	m->memory = memory;
	m->memory_size = size;
	return 0;
}

/* Maps an arena, and puts its global variables where the programs look for them. */
int fill_arena(struct loader *l, size_t index)
{
	struct map *m = &l->maps[index];
	uint64_t offset = bpflink_programs_map_contents_offset(l->linked, index);
	size_t size = 0;
	const void *variables = bpflink_programs_map_contents(l->linked, index, &size);

	if (map_arena(m))
		return -1;
	if (variables && offset <= m->memory_size && size <= m->memory_size - offset)
		memcpy((char *)m->memory + offset, variables, size);
	return 0;
}

void unmap_arena(struct map *m)
{
	if (m->memory)
		munmap(m->memory, m->memory_size);
	m->memory = NULL;
}
