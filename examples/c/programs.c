// SPDX-License-Identifier: MIT OR Apache-2.0
/* Loading programs with what the library gave. */
#include "loader.h"
#include <errno.h>
#include <linux/version.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define LOG_SIZE (1u << 24)

struct program *find_program(struct loader *l, const char *name)
{
	for (size_t i = 0; i < l->program_count; i++)
		if (!strcmp(l->programs[i].info.name, name))
			return &l->programs[i];
	return NULL;
}

/* Without it programs lack names of functions and lines, and maps their types; no more. */
void load_btf(struct loader *l)
{
	union bpf_attr attr;
	size_t size = 0;
	const void *btf = bpflink_programs_btf(l->linked, &size);

	if (!btf)
		return;
	memset(&attr, 0, sizeof attr);
	attr.btf = (uintptr_t)btf;
	attr.btf_size = size;
	l->btf_fd = sys_bpf(BPF_BTF_LOAD, &attr);
	if (l->btf_fd < 0)
		fprintf(stderr, "%s: the kernel refuses the object's BTF: %s\n", l->options.object,
			strerror(errno));
}

/* A function of a module is called through fd_array, the address of its variable has the
 * file descriptor in the second slot. */
static int use_module(struct loader *l, struct program *p, const bpflink_reference_info *r,
		      struct bpf_insn *insns)
{
	int fd = module_btf_fd(l, r->module);

	if (fd < 0) {
		snprintf(p->reason, sizeof p->reason, "BTF of module %.100s: %s", r->module,
			 strerror(errno));
		return -1;
	}
	if (r->kind == BPFLINK_REF_BTF_ID)
		insns[r->insn + 1].imm = fd;
	else if (r->fd_array_index < MAX_FDS)
		p->fd_array[r->fd_array_index] = fd;
	return 0;
}

/* Puts the file descriptors of maps where the instructions refer to them. */
static int fill_references(struct loader *l, size_t index, struct bpf_insn *insns)
{
	struct program *p = &l->programs[index];
	size_t count = bpflink_program_reference_count(l->linked, index);

	for (size_t n = 0; n < count; n++) {
		bpflink_reference_info r = { .size = sizeof r };

		if (bpflink_program_reference(l->linked, index, n, &r) || r.resolved)
			continue;
		if (r.kind == BPFLINK_REF_JUMP_TABLE)
			continue; /* make_jump_tables did it */
		if (r.module[0]) {
			if (use_module(l, p, &r, insns))
				return -1;
			continue;
		}
		if (r.kind != BPFLINK_REF_MAP_FD && r.kind != BPFLINK_REF_MAP_VALUE) {
			snprintf(p->reason, sizeof p->reason, "unresolved %s %s",
				 bpflink_reference_kind_name(r.kind), r.name);
			return -1;
		}
		if (r.map >= l->map_count || l->maps[r.map].fd < 0) {
			snprintf(p->reason, sizeof p->reason, "map %s was not created: %.128s", r.name,
				 r.map < l->map_count ? l->maps[r.map].reason : "no such map");
			return -1;
		}
		insns[r.insn].imm = l->maps[r.map].fd;
	}
	return 0;
}

/* Kernels before 5.0 want their own version with a kprobe. */
static __u32 running_version(void)
{
	unsigned major = 0, minor = 0, patch = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return LINUX_VERSION_CODE;
	return KERNEL_VERSION(major, minor, patch > 255 ? 255 : patch);
}

static void describe(union bpf_attr *attr, const struct loader *l, const bpflink_program_info *p,
		     const struct bpf_insn *insns)
{
	memset(attr, 0, sizeof *attr);
	attr->prog_type = p->type;
	attr->insns = (uintptr_t)insns;
	attr->insn_cnt = p->insn_count;
	attr->license = (uintptr_t)(p->license ? p->license : "");
	attr->kern_version = p->kernel_version ? p->kernel_version : running_version();
	attr->prog_flags = p->load_flags;
	if (p->flags & BPFLINK_PROGRAM_HAS_ATTACH_TYPE)
		attr->expected_attach_type = p->attach_type;
	copy_name(attr->prog_name, "", p->name);
	if (l->btf_fd < 0)
		return;
	attr->prog_btf_fd = l->btf_fd;
	attr->func_info = (uintptr_t)p->func_info;
	attr->func_info_cnt = p->func_info_count;
	attr->func_info_rec_size = p->func_info_rec_size;
	attr->line_info = (uintptr_t)p->line_info;
	attr->line_info_cnt = p->line_info_count;
	attr->line_info_rec_size = p->line_info_rec_size;
}

/* The last line of the verifier's log that is not a statistic. */
static void last_words(const char *log, char *to, size_t room)
{
	const char *end = log + strlen(log);
	const char *line = end;

	while (end > log) {
		while (end > log && end[-1] == '\n')
			end--;
		for (line = end; line > log && line[-1] != '\n'; line--)
			;
		if (strncmp(line, "processed ", 10) && strncmp(line, "verification time", 17) &&
		    strncmp(line, "stack depth", 11))
			break;
		end = line;
	}
	if (room)
		snprintf(to, room, "%.*s", (int)(end - line < 200 ? end - line : 200), line);
}

/* Again, with a log: large, for of one that is too small older kernels keep the beginning. */
static void ask_why(struct program *p, union bpf_attr *attr, int refused)
{
	char words[REASON_LEN - 60] = "";

	p->log = calloc(1, LOG_SIZE);
	if (p->log) {
		attr->log_level = 1;
		attr->log_buf = (uintptr_t)p->log;
		attr->log_size = LOG_SIZE;
		p->fd = sys_bpf(BPF_PROG_LOAD, attr);
		last_words(p->log, words, sizeof words);
	}
	snprintf(p->reason, sizeof p->reason, "%.40s%s%.190s", strerror(refused), *words ? ": " : "", words);
}

/* What the program runs at, for those that the kernel checks against its own types. */
static int fill_target(struct loader *l, struct program *p, union bpf_attr *attr)
{
	int module;

	switch (p->attach.kind) {
	case BPFLINK_ATTACH_FUNCTION:
	case BPFLINK_ATTACH_BTF_TRACEPOINT:
	case BPFLINK_ATTACH_LSM:
	case BPFLINK_ATTACH_ITERATOR:
	case BPFLINK_ATTACH_STRUCT_OPS:
		break;
	default:
		return 0;
	}
	if (!p->attach.btf_id) {
		snprintf(p->reason, sizeof p->reason, "nothing to attach to: %.200s",
			 p->attach.problem ? p->attach.problem : "it is not known");
		return -1;
	}
	attr->attach_btf_id = p->attach.btf_id;
	if (!p->attach.module[0])
		return 0;
	module = module_btf_fd(l, p->attach.module);
	if (module < 0) {
		snprintf(p->reason, sizeof p->reason, "BTF of module %.100s: %s", p->attach.module,
			 strerror(errno));
		return -1;
	}
	attr->attach_btf_obj_fd = module;
	return 0;
}

static int calls_modules(const struct program *p)
{
	for (size_t i = 0; i < MAX_FDS; i++)
		if (p->fd_array[i])
			return 1;
	return 0;
}

static void load_program(struct loader *l, size_t index)
{
	struct program *p = &l->programs[index];
	size_t bytes = p->info.insn_count * sizeof(struct bpf_insn);
	struct bpf_insn *insns = malloc(bytes + 1);
	union bpf_attr attr;

	if (!insns)
		return;
	memcpy(insns, p->info.insns, bytes);
	describe(&attr, l, &p->info, insns);
	if (!fill_target(l, p, &attr) && !make_jump_tables(l, index, insns) &&
	    !fill_references(l, index, insns)) {
		/* Kernels before 5.14 refuse what they do not know, unless it is zero. */
		if (calls_modules(p))
			attr.fd_array = (uintptr_t)p->fd_array;
		p->fd = sys_bpf(BPF_PROG_LOAD, &attr);
		if (p->fd < 0) {
			ask_why(p, &attr, p->error = errno);
			explain_poison(l, index);
		}
	}
	close_jump_tables(p);
	free(insns);
}

void load_programs(struct loader *l)
{
	for (size_t i = 0; i < l->program_count; i++) {
		struct program *p = &l->programs[i];

		if (!p->wanted || p->reason[0])
			continue;
		if (!p->info.type)
			snprintf(p->reason, sizeof p->reason, "section %.100s names no program type",
				 p->info.section);
		else
			load_program(l, i);
	}
}
