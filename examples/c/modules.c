// SPDX-License-Identifier: MIT OR Apache-2.0
/* File descriptors of modules' BTF: the kernel numbers all BTF, and says whose each is. */
#include "loader.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static int is_btf_of(int fd, const char *module)
{
	char name[64] = "";
	struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof name };
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.info.bpf_fd = fd;
	attr.info.info_len = sizeof info;
	attr.info.info = (uintptr_t)&info;
	return !sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) && info.kernel_btf && !strcmp(name, module);
}

static int find(const char *module)
{
	union bpf_attr attr;
	__u32 id = 0;
	int fd;

	for (;;) {
		memset(&attr, 0, sizeof attr);
		attr.start_id = id;
		if (sys_bpf(BPF_BTF_GET_NEXT_ID, &attr))
			return -1;
		id = attr.next_id;
		memset(&attr, 0, sizeof attr);
		attr.btf_id = id;
		fd = sys_bpf(BPF_BTF_GET_FD_BY_ID, &attr);
		if (fd < 0)
			continue; /* it went away meanwhile */
		if (is_btf_of(fd, module))
			return fd;
		close(fd);
	}
}

int module_btf_fd(struct loader *l, const char *module)
{
	struct module *m = l->modules;

	for (; m < l->modules + l->module_count; m++)
		if (!strcmp(m->name, module))
			return m->fd;
	if (l->module_count == MAX_FDS) {
		errno = E2BIG;
		return -1;
	}
	m->fd = find(module);
	if (m->fd < 0)
		return -1;
	strncpy(m->name, module, sizeof m->name - 1);
	l->module_count++;
	return m->fd;
}
