// SPDX-License-Identifier: MIT OR Apache-2.0
/* kprobe.multi: one program at all functions of a pattern. */
#define _GNU_SOURCE
#include "loader.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS_MAX 65536
/* BPF_TRACE_KPROBE_MULTI's flag, which headers may be older than. */
#define ON_RETURN 1u

struct names {
	char **list;
	size_t count;
};

static int add(struct names *names, const char *name)
{
	char **list = realloc(names->list, (names->count + 1) * sizeof *list);

	if (!list)
		return -1;
	names->list = list;
	names->list[names->count] = strdup(name);
	return names->list[names->count] ? (int)++names->count : -1;
}

/* Of the functions that can be traced those that match. */
static int match(struct names *names, const char *pattern)
{
	static const char *const paths[] = { "/sys/kernel/tracing/available_filter_functions",
					     "/sys/kernel/debug/tracing/available_filter_functions" };
	char line[512];
	FILE *file = NULL;

	for (size_t n = 0; !file && n < sizeof paths / sizeof *paths; n++)
		file = fopen(paths[n], "r");
	if (!file)
		return -1;
	while (names->count < FUNCTIONS_MAX && fgets(line, sizeof line, file)) {
		line[strcspn(line, " \t\n")] = 0;
		if (!fnmatch(pattern, line, 0) && add(names, line) < 0)
			break;
	}
	fclose(file);
	return 0;
}

int attach_kprobe_multi(struct program *p)
{
	struct names names = { NULL, 0 };
	union bpf_attr attr;
	int status;

	if (match(&names, p->attach.name))
		return not_attached(p, "tracefs does not list functions (is it mounted?)");
	memset(&attr, 0, sizeof attr);
	attr.link_create.prog_fd = p->fd;
	attr.link_create.attach_type = p->info.attach_type;
	attr.link_create.kprobe_multi.flags = p->attach.flags & BPFLINK_ATTACH_ON_RETURN ? ON_RETURN : 0;
	attr.link_create.kprobe_multi.cnt = names.count;
	attr.link_create.kprobe_multi.syms = (uintptr_t)names.list;
	p->link = names.count ? sys_bpf(BPF_LINK_CREATE, &attr) : -1;
	status = p->link >= 0 ? 0 :
		 names.count  ? not_attached_errno(p, "BPF_LINK_CREATE") :
				not_attached(p, "no function that can be traced is of that name");
	for (size_t n = 0; n < names.count; n++)
		free(names.list[n]);
	free(names.list);
	return status;
}
