// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * struct_ops: a variable becomes a map with one value, in the kernel's layout, into
 * which the file descriptors of its programs are written. Updating the map registers
 * it; with BPF_F_LINK a link does.
 */
#define _GNU_SOURCE
#include "loader.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of kernels newer than the headers may be. */
#define MAP_FLAG_LINK (1u << 13)		/* BPF_F_LINK, Linux 6.4 */
#define MAP_FLAG_VALUE_TYPE_BTF (1u << 15)	/* BPF_F_VTYPE_BTF_OBJ_FD, Linux 6.9 */
#define ATTACH_STRUCT_OPS 44			/* BPF_STRUCT_OPS, Linux 6.4 */
#define ALGORITHMS "/proc/sys/net/ipv4/tcp_available_congestion_control"

static int refuse(struct variable *v, const char *what)
{
	snprintf(v->reason, sizeof v->reason, "%.60s: %.150s", what, strerror(errno));
	return -1;
}

/* value_type_btf_obj_fd: behind map_extra, unknown to older headers. */
static void set_value_type_btf(union bpf_attr *attr, __s32 fd)
{
	size_t offset = offsetof(union bpf_attr, map_extra) + sizeof attr->map_extra;

	memcpy((char *)attr + offset, &fd, sizeof fd);
	attr->map_flags |= MAP_FLAG_VALUE_TYPE_BTF;
}

static int create(struct loader *l, struct variable *v)
{
	const bpflink_struct_ops_info *info = &v->info;
	union bpf_attr attr;
	int module;

	memset(&attr, 0, sizeof attr);
	attr.map_type = BPF_MAP_TYPE_STRUCT_OPS;
	attr.key_size = sizeof(__u32);
	attr.value_size = info->value_size;
	attr.max_entries = 1;
	if (info->flags & BPFLINK_STRUCT_OPS_LINK)
		attr.map_flags = MAP_FLAG_LINK;
	/* The kernel wants to see any BTF of ours; the types are its own. */
	attr.btf_fd = l->btf_fd;
	attr.btf_vmlinux_value_type_id = info->value_type_id;
	if (info->module[0]) {
		module = module_btf_fd(l, info->module);
		if (module < 0)
			return refuse(v, "BTF of its module");
		set_value_type_btf(&attr, module);
	}
	copy_name(attr.map_name, "", info->name);
	v->fd = map_create(&attr);
	return v->fd < 0 ? refuse(v, "BPF_MAP_CREATE") : 0;
}

/* After the programs: Linux 5.10 reads its own types when the first one is loaded. */
void create_variables(struct loader *l)
{
	for (size_t i = 0; i < l->variable_count; i++)
		if (l->variables[i].wanted && !l->variables[i].reason[0])
			create(l, &l->variables[i]);
}

static int put_program(struct loader *l, struct variable *v, const bpflink_struct_ops_member *m)
{
	const struct program *p = find_program(l, m->program);
	__u64 fd;

	if (!p || p->fd < 0) {
		snprintf(v->reason, sizeof v->reason, "member %.60s: program %.60s is not loaded",
			 m->name, m->program);
		return -1;
	}
	fd = p->fd;
	if (m->kernel_size != sizeof fd || m->kernel_offset + m->kernel_size > v->info.value_size)
		return -1;
	memcpy(v->value + m->kernel_offset, &fd, sizeof fd);
	return 0;
}

static int fill_value(struct loader *l, size_t index)
{
	struct variable *v = &l->variables[index];

	v->value = malloc(v->info.value_size + 1);
	if (!v->value)
		return refuse(v, "memory");
	memcpy(v->value, v->info.value, v->info.value_size);
	for (size_t n = 0; n < v->info.member_count; n++) {
		bpflink_struct_ops_member m = { .size = sizeof m };

		if (!bpflink_programs_struct_ops_member(l->linked, index, n, &m) && m.program &&
		    m.in_kernel && put_program(l, v, &m))
			return -1;
	}
	return 0;
}

static int create_struct_ops_link(struct variable *v)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.link_create.prog_fd = v->fd; /* the map's stands where a program's would */
	attr.link_create.attach_type = ATTACH_STRUCT_OPS;
	v->link = sys_bpf(BPF_LINK_CREATE, &attr);
	return v->link < 0 ? refuse(v, "BPF_LINK_CREATE") : 0;
}

int register_variable(struct loader *l, size_t index)
{
	struct variable *v = &l->variables[index];
	__u32 zero = 0;

	if (fill_value(l, index))
		return -1;
	if (map_update(v->fd, &zero, v->value))
		return refuse(v, "BPF_MAP_UPDATE_ELEM");
	v->registered = 1;
	return v->info.flags & BPFLINK_STRUCT_OPS_LINK ? create_struct_ops_link(v) : 0;
}

/* Without a link it stays registered until its entry is deleted. */
void close_variables(struct loader *l)
{
	__u32 zero = 0;

	for (size_t i = 0; l->variables && i < l->variable_count; i++) {
		struct variable *v = &l->variables[i];

		if (v->registered && !(v->info.flags & BPFLINK_STRUCT_OPS_LINK))
			map_delete(v->fd, &zero);
		if (v->link >= 0)
			close(v->link);
		if (v->fd >= 0)
			close(v->fd);
		free(v->value);
	}
	free(l->variables);
}

static int is_listed(const char *name)
{
	FILE *file = fopen(ALGORITHMS, "r");
	char word[64];
	int found = 0;

	while (file && !found && fscanf(file, "%63s", word) == 1)
		found = !strcmp(word, name);
	if (file)
		fclose(file);
	return found;
}

/* Where the value has the algorithm's name. */
static const char *algorithm_name(struct loader *l, size_t index)
{
	const struct variable *v = &l->variables[index];

	for (size_t n = 0; n < v->info.member_count; n++) {
		bpflink_struct_ops_member m = { .size = sizeof m };

		if (!bpflink_programs_struct_ops_member(l->linked, index, n, &m) && m.in_kernel &&
		    !strcmp(m.name, "name"))
			return (const char *)v->value + m.kernel_offset;
	}
	return "";
}

/* Every registered congestion control is one that sockets may choose. */
int check_congestion_control(struct loader *l)
{
	int seen = 0, wrong = 0;

	for (size_t i = 0; i < l->variable_count; i++) {
		const struct variable *v = &l->variables[i];
		const char *name;

		if (!v->registered || strcmp(v->info.kernel_type, "tcp_congestion_ops"))
			continue;
		name = algorithm_name(l, i);
		seen++;
		wrong += !is_listed(name);
		printf("  %s: %s in %s\n", is_listed(name) ? "ok" : "FAILED", name, ALGORITHMS);
	}
	printf("congestion control: %d registered, %d of them not listed\n", seen, wrong);
	return seen ? wrong : 1;
}
