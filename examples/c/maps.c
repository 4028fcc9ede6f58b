// SPDX-License-Identifier: MIT OR Apache-2.0
/* Creating maps: sizes that only this machine knows, and type information. */
#include "loader.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For maps whose own tool would choose their size when it starts. */
#define DEFAULT_ENTRIES 1024
#define DEFAULT_FRAMES 127

/* The number of CPUs that may ever be there: the last of a list like `0-3`. */
int possible_cpus(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "r");
	int first = 0, last = 0, fields = 0;

	if (file) {
		while (fscanf(file, "%d", &last) == 1) {
			fields++;
			if (fields == 1)
				first = last;
			fgetc(file);
			if (last < 0) /* `0-3` reads as 0 and -3 */
				last = -last;
		}
		fclose(file);
	}
	return last >= first ? last + 1 : 1;
}

/* A whole number of pages, and a power of two of them. */
static __u32 ring_buffer_size(__u32 wanted)
{
	__u32 size = sysconf(_SC_PAGESIZE);

	while (size < wanted && size < 1u << 31)
		size <<= 1;
	return size;
}

static int is_per_cpu_event_map(__u32 type)
{
	return type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

/* What a definition leaves open. */
static void choose_sizes(union bpf_attr *attr)
{
	if (attr->map_type == BPF_MAP_TYPE_RINGBUF || attr->map_type == BPF_MAP_TYPE_USER_RINGBUF)
		attr->max_entries = ring_buffer_size(attr->max_entries);
	if (is_per_cpu_event_map(attr->map_type)) {
		attr->key_size = attr->value_size = sizeof(__u32);
		if (!attr->max_entries)
			attr->max_entries = possible_cpus();
	}
	if (attr->map_type == BPF_MAP_TYPE_STACK_TRACE && !attr->value_size)
		attr->value_size = DEFAULT_FRAMES * sizeof(__u64);
	/* These have no entries of their own, and the kernel wants 0. */
	if (attr->map_type == BPF_MAP_TYPE_SK_STORAGE || attr->map_type == BPF_MAP_TYPE_TASK_STORAGE ||
	    attr->map_type == BPF_MAP_TYPE_INODE_STORAGE || attr->map_type == BPF_MAP_TYPE_CGROUP_STORAGE ||
	    attr->map_type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE || attr->map_type == MAP_TYPE_CGRP_STORAGE)
		return;
	if (!attr->max_entries)
		attr->max_entries = DEFAULT_ENTRIES;
}

static void describe(union bpf_attr *attr, const bpflink_map_info *info, const char *prefix)
{
	memset(attr, 0, sizeof *attr);
	attr->map_type = info->type;
	attr->key_size = info->key_size;
	attr->value_size = info->value_size;
	attr->max_entries = info->max_entries;
	attr->map_flags = info->map_flags;
	attr->map_extra = info->map_extra;
	if (info->map_flags & BPF_F_NUMA_NODE)
		attr->numa_node = info->numa_node;
	copy_name(attr->map_name, info->name[0] == '.' ? prefix : "", info->name);
	choose_sizes(attr);
}

/* Some map types refuse type information, and so does a kernel without BTF: then without. */
static int create_with_types(union bpf_attr *attr, const bpflink_map_info *info, int btf_fd)
{
	int fd;

	if (btf_fd >= 0 && info->value_type_id) {
		attr->btf_fd = btf_fd;
		attr->btf_key_type_id = info->key_type_id;
		attr->btf_value_type_id = info->value_type_id;
		fd = map_create(attr);
		if (fd >= 0 || errno == EPERM)
			return fd;
		attr->btf_fd = attr->btf_key_type_id = attr->btf_value_type_id = 0;
	}
	return map_create(attr);
}

/* A map of maps wants to see one like those it will hold. */
static int create_inner(struct loader *l, size_t i, const char *name)
{
	bpflink_map_info inner = { .size = sizeof inner };
	union bpf_attr attr;

	if (bpflink_object_map_inner(l->object, i, &inner))
		return -1;
	describe(&attr, &inner, l->stem);
	copy_name(attr.map_name, "", name);
	return create_with_types(&attr, &inner, l->btf_fd);
}

static void create_map(struct loader *l, size_t i)
{
	struct map *m = &l->maps[i];
	union bpf_attr attr;
	int inner = -1;

	describe(&attr, &m->info, l->stem);
	if (m->info.flags & BPFLINK_MAP_HAS_INNER) {
		inner = create_inner(l, i, m->info.name);
		if (inner < 0) {
			snprintf(m->reason, sizeof m->reason, "its inner map: %s", strerror(errno));
			return;
		}
		attr.inner_map_fd = inner;
	}
	m->fd = create_with_types(&attr, &m->info, l->btf_fd);
	if (m->fd < 0)
		snprintf(m->reason, sizeof m->reason, "%s", strerror(errno));
	if (inner >= 0)
		close(inner); /* it was only looked at */
	/* What was chosen here is what the map now is. */
	m->info.key_size = attr.key_size;
	m->info.value_size = attr.value_size;
	m->info.max_entries = attr.max_entries;
}

void create_maps(struct loader *l)
{
	for (size_t i = 0; i < l->map_count; i++)
		create_map(l, i);
}
