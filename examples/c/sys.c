// SPDX-License-Identifier: MIT OR Apache-2.0
/* The system calls, and the names that the kernel takes. */
#define _GNU_SOURCE
#include "loader.h"
#include <ctype.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int sys_bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof *attr);
}

int map_create(union bpf_attr *attr)
{
	return sys_bpf(BPF_MAP_CREATE, attr);
}

static int map_element(enum bpf_cmd command, int map, const void *key, const void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.map_fd = map;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	return sys_bpf(command, &attr);
}

int map_lookup(int map, const void *key, void *value)
{
	return map_element(BPF_MAP_LOOKUP_ELEM, map, key, value);
}

int map_update(int map, const void *key, const void *value)
{
	return map_element(BPF_MAP_UPDATE_ELEM, map, key, value);
}

int map_next_key(int map, const void *key, void *next)
{
	return map_element(BPF_MAP_GET_NEXT_KEY, map, key, next);
}

int map_delete(int map, const void *key)
{
	return map_element(BPF_MAP_DELETE_ELEM, map, key, NULL);
}

int map_freeze(int map)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.map_fd = map;
	return sys_bpf(BPF_MAP_FREEZE, &attr);
}

int sys_perf_event_open(void *attr, int pid, int cpu)
{
	return syscall(SYS_perf_event_open, attr, pid, cpu, -1, 0x8 /* PERF_FLAG_FD_CLOEXEC */);
}

/* The kernel takes 15 bytes of letters, digits, `_` and `.`; others become `_`. */
void copy_name(char name[BPF_OBJ_NAME_LEN], const char *prefix, const char *from)
{
	size_t own = strlen(from) < BPF_OBJ_NAME_LEN ? strlen(from) : BPF_OBJ_NAME_LEN - 1;
	size_t room = BPF_OBJ_NAME_LEN - 1 - own;
	size_t before = strlen(prefix) < room ? strlen(prefix) : room;

	memset(name, 0, BPF_OBJ_NAME_LEN);
	memcpy(name, prefix, before);
	memcpy(name + before, from, own);
	for (size_t i = 0; i < before + own; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '.')
			name[i] = '_';
}
