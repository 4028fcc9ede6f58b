// SPDX-License-Identifier: MIT OR Apache-2.0
/* Probes of functions in user space: the kernel wants places in a file, not names. */
#define _GNU_SOURCE
#include "elf_file.h"
#include "loader.h"
#include <fnmatch.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_MAX 65536
/* BPF_TRACE_UPROBE_MULTI's flag, which headers may be older than. */
#define ON_RETURN 1u

/* uprobe_multi of bpf_attr's link_create (Linux 6.6), likewise. */
struct many {
	__u64 path;
	__u64 offsets;
	__u64 reference_counters;
	__u64 cookies;
	__u32 count;
	__u32 flags;
	__u32 pid;
};

struct places {
	const char *name; /* what is looked for: a function, or a pattern */
	uint64_t *list;
	size_t count;
};

static int is_named(void *data, const char *name, uint64_t offset)
{
	struct places *places = data;

	if (strcmp(name, places->name))
		return 0;
	places->list[0] = offset;
	return 1;
}

int attach_uprobe(struct program *p)
{
	int type = read_number("/sys/bus/event_source/devices/uprobe/type");
	uint64_t offset = 0;
	struct places places = { p->attach.name, &offset, 1 };
	struct perf_event_attr attr;
	struct image image;

	if (type < 0)
		return not_attached(p, "the kernel has no uprobes");
	if (!p->attach.path[0])
		return not_attached(p, "its section does not say which file");
	if (open_image(&image, p->attach.path))
		return not_attached(p, "there is no such file that holds programs");
	each_function(&image, is_named, &places);
	close_image(&image);
	if (!offset)
		return not_attached(p, "the file has no such function");
	memset(&attr, 0, sizeof attr);
	attr.type = type;
	attr.size = sizeof attr;
	attr.config = (p->attach.flags & BPFLINK_ATTACH_ON_RETURN) != 0;
	attr.config1 = (uintptr_t)image.path;
	attr.config2 = offset + p->attach.offset;
	return start_perf_event(p, &attr, -1, 0);
}

static int add_match(void *data, const char *name, uint64_t offset)
{
	struct places *places = data;
	uint64_t *list;

	if (fnmatch(places->name, name, 0))
		return 0;
	list = realloc(places->list, (places->count + 1) * sizeof *list);
	if (!list)
		return -1;
	places->list = list;
	list[places->count++] = offset;
	return places->count == PLACES_MAX;
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return a < b ? -1 : a > b;
}

/* A function of two names, or in two symbol tables, is one place: else it would be hit twice. */
static void sort_and_merge(struct places *places)
{
	size_t kept = 0;

	if (!places->count)
		return;
	qsort(places->list, places->count, sizeof *places->list, compare);
	for (size_t n = 1; n < places->count; n++)
		if (places->list[n] != places->list[kept])
			places->list[++kept] = places->list[n];
	places->count = kept + 1;
}

static int link_places(struct program *p, const char *path, const struct places *places)
{
	struct many many = { .path = (uintptr_t)path, .offsets = (uintptr_t)places->list, .count = places->count };
	union bpf_attr attr;

	if (!places->count)
		return not_attached(p, "the file has no function of that name");
	many.flags = p->attach.flags & BPFLINK_ATTACH_ON_RETURN ? ON_RETURN : 0;
	memset(&attr, 0, sizeof attr);
	attr.link_create.prog_fd = p->fd;
	attr.link_create.attach_type = p->info.attach_type;
	memcpy(&attr.link_create.kprobe_multi, &many, sizeof many);
	p->link = sys_bpf(BPF_LINK_CREATE, &attr);
	return p->link < 0 ? not_attached_errno(p, "BPF_LINK_CREATE") : 0;
}

int attach_uprobe_multi(struct program *p)
{
	struct places places = { p->attach.name, NULL, 0 };
	struct image image;
	int status;

	if (open_image(&image, p->attach.path))
		return not_attached(p, "there is no such file that holds programs");
	each_function(&image, add_match, &places);
	close_image(&image);
	sort_and_merge(&places);
	status = link_places(p, image.path, &places);
	free(places.list);
	return status;
}
