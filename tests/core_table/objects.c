// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The calls of libbpf that the kernel's test makes, on bpflink and the parts of the example
 * loader: linked in their place (--wrap). The BTF of a case is the target of CO-RE alone; all
 * else, what a program attaches to and what is supported, is the running kernel's: relocate
 * gets the one target, finalize the other.
 */
#include "loader.h"
#include "table.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INSTEAD_OF(function) __typeof__(function) __wrap_##function
INSTEAD_OF(bpf_object__open_file);
INSTEAD_OF(bpf_object__find_program_by_name);
INSTEAD_OF(bpf_object__load);
INSTEAD_OF(bpf_object__find_map_by_name);
INSTEAD_OF(bpf_map__fd);
INSTEAD_OF(bpf_program__attach_raw_tracepoint);
INSTEAD_OF(bpf_link__destroy);
INSTEAD_OF(bpf_object__close);

/* How the verifier tells of the call that stands for an instruction without a target. */
#define POISON "#195896080"

static uint64_t link_flags;
/* The test has one object at a time, and names a program without its object. */
static struct loader *current;

/* BPFLINK_TABLE_RULE=libbpf: candidates are chosen by libbpf's rule. */
void prepare(void)
{
	const char *rule = getenv("BPFLINK_TABLE_RULE");

	if (rule && !strcmp(rule, "libbpf"))
		link_flags = BPFLINK_LIBBPF_CANDIDATES;
}

static void because(int by_relocation, const char *reason)
{
	if (outcome.reason[0])
		return;
	outcome.by_relocation = by_relocation;
	snprintf(outcome.reason, sizeof outcome.reason, "%s", reason);
}

static bpflink_status link_stages(struct loader *l, uint64_t flags, bpflink_error **error)
{
	bpflink_link_options options = { .size = sizeof options,
					 .flags = link_flags | flags | BPFLINK_LEAVE_MAP_REFERENCES };
	bpflink_status status;

	status = make_target(l, error);
	if (!status)
		status = bpflink_object_from_file(l->options.object, NULL, &l->object, error);
	if (!status)
		status = bpflink_split(l->object, &options, &l->linked, error);
	if (!status)
		status = bpflink_flatten(l->linked, &options, error);
	if (!status)
		status = bpflink_relocate(l->linked, l->target, &options, error);
	if (!status)
		status = bpflink_finalize(l->linked, NULL, &options, error);
	return status;
}

static struct loader *open_linked(const char *path, const char *btf, uint64_t flags)
{
	struct loader *l = calloc(1, sizeof *l);
	bpflink_error *error = NULL;

	if (!l)
		abort();
	l->btf_fd = -1;
	l->options.object = path;
	l->options.btf = btf;
	if (link_stages(l, flags, &error))
		because(bpflink_error_status(error) == BPFLINK_E_RELOCATION, bpflink_error_message(error));
	bpflink_error_free(error);
	return l;
}

static void close_linked(struct loader *l)
{
	close_loader(l);
	free(l);
}

struct bpf_object *__wrap_bpf_object__open_file(const char *path, const struct bpf_object_open_opts *options)
{
	struct loader *l = open_linked(path, options->btf_custom_path, 0);

	if (!l->linked || collect(l)) {
		close_linked(l);
		errno = EINVAL;
		return NULL;
	}
	current = l;
	return (struct bpf_object *)l;
}

struct bpf_program *__wrap_bpf_object__find_program_by_name(const struct bpf_object *object, const char *name)
{
	return (struct bpf_program *)find_program((struct loader *)object, name);
}

/* All of them or none, as libbpf does. */
int __wrap_bpf_object__load(struct bpf_object *object)
{
	struct loader *l = (struct loader *)object;

	if (outcome.reason[0])
		return -EINVAL;
	load_btf(l);
	create_maps(l);
	fill_maps(l);
	load_programs(l);
	for (size_t i = 0; i < l->program_count; i++) {
		const struct program *p = &l->programs[i];

		if (p->wanted && p->fd < 0)
			because(p->log && strstr(p->log, POISON), p->reason);
	}
	outcome.loaded = !outcome.reason[0];
	return outcome.loaded ? 0 : -EINVAL;
}

struct bpf_map *__wrap_bpf_object__find_map_by_name(const struct bpf_object *object, const char *name)
{
	return (struct bpf_map *)find_map((struct loader *)object, name);
}

int __wrap_bpf_map__fd(const struct bpf_map *map)
{
	return ((const struct map *)map)->fd;
}

/* The section has to say the same as the test: NULL is a tracepoint by its BTF. */
struct bpf_link *__wrap_bpf_program__attach_raw_tracepoint(const struct bpf_program *program, const char *name)
{
	struct program *p = (struct program *)program;
	uint32_t kind = name ? BPFLINK_ATTACH_RAW_TRACEPOINT : BPFLINK_ATTACH_BTF_TRACEPOINT;

	if (p->attach.kind != kind || (name && strcmp(p->attach.name, name)) || attach_program(current, p)) {
		because(0, p->unattached[0] ? p->unattached : "attaches elsewhere");
		errno = EINVAL;
		return NULL;
	}
	return (struct bpf_link *)p;
}

/* close_loader detaches. */
int __wrap_bpf_link__destroy(struct bpf_link *link)
{
	(void)link;
	return 0;
}

void __wrap_bpf_object__close(struct bpf_object *object)
{
	if (object)
		close_linked((struct loader *)object);
	current = NULL;
}

/*
 * What a loader would be refused is what the linker poisons. In a case that succeeds a poisoned
 * instruction stands behind the question whether its field exists, and no kernel reaches it.
 */
void link_only(const char *object, const char *btf, bool fails)
{
	close_linked(open_linked(object, btf, BPFLINK_POISON_IS_ERROR));
	if (outcome.reason[0] && outcome.by_relocation && !fails) {
		outcome.poisoned = 1;
		outcome.reason[0] = 0;
		close_linked(open_linked(object, btf, 0));
	}
	outcome.loaded = !outcome.reason[0];
}
