// SPDX-License-Identifier: MIT OR Apache-2.0
/* Opening an object and linking it: all that the library does here. */
#include "loader.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void warn(void *context, uint32_t level, const char *message)
{
	(void)context;
	(void)level;
	fprintf(stderr, "warning: %s\n", message);
}

static bpflink_status link_object(struct loader *l, bpflink_error **error)
{
	bpflink_object_options opening = { .size = sizeof opening, .log = warn };
	bpflink_link_options linking = { .size = sizeof linking, .log = warn };
	bpflink_status status;

	if (l->options.chosen_count) {
		linking.programs = l->options.chosen;
		linking.program_count = l->options.chosen_count;
	}
	status = make_target(l, error);
	if (!status)
		status = bpflink_object_from_file(l->options.object, &opening, &l->object, error);
	if (!status)
		status = bpflink_link(l->object, l->target, &linking, &l->linked, error);
	return status;
}

static void name_stem(struct loader *l)
{
	const char *slash = strrchr(l->options.object, '/');
	const char *file = slash ? slash + 1 : l->options.object;

	snprintf(l->stem, sizeof l->stem, "%s", file);
	l->stem[strcspn(l->stem, ".")] = 0;
}

/*
 * Whether the options ask for this program: named, or not in a `?` section. One
 * without a type, there or in .text, is a function for others to call.
 */
static int is_wanted(const struct options *o, const bpflink_program_info *p)
{
	for (size_t i = 0; i < o->chosen_count; i++)
		if (!strcmp(o->chosen[i], p->name))
			return 1;
	if (o->chosen_count || (!p->type && !strcmp(p->section, ".text")))
		return 0;
	return !(p->flags & BPFLINK_PROGRAM_OPTIONAL) || (o->optional && p->type);
}

static void collect_programs(struct loader *l)
{
	l->program_count = bpflink_programs_count(l->linked);
	l->programs = calloc(l->program_count + 1, sizeof *l->programs);
	for (size_t i = 0; i < l->program_count; i++) {
		struct program *p = &l->programs[i];

		p->info.size = sizeof p->info;
		p->fd = p->link = -1;
		bpflink_programs_get(l->linked, i, &p->info);
		p->attach.size = sizeof p->attach;
		bpflink_program_attach(l->linked, i, &p->attach);
		p->wanted = is_wanted(&l->options, &p->info);
		if (p->info.flags & BPFLINK_PROGRAM_FAILED)
			snprintf(p->reason, sizeof p->reason, "%s",
				 bpflink_error_message(bpflink_program_error(l->linked, i)));
	}
}

static void collect_maps(struct loader *l)
{
	l->map_count = bpflink_object_map_count(l->object);
	l->maps = calloc(l->map_count + 1, sizeof *l->maps);
	for (size_t i = 0; i < l->map_count; i++) {
		l->maps[i].info.size = sizeof l->maps[i].info;
		l->maps[i].fd = -1;
		bpflink_object_map(l->object, i, &l->maps[i].info);
	}
}

static void collect_variables(struct loader *l)
{
	l->variable_count = bpflink_programs_struct_ops_count(l->linked);
	l->variables = calloc(l->variable_count + 1, sizeof *l->variables);
	for (size_t i = 0; l->variables && i < l->variable_count; i++) {
		struct variable *v = &l->variables[i];

		v->info.size = sizeof v->info;
		v->fd = v->link = -1;
		bpflink_programs_struct_ops(l->linked, i, &v->info);
		v->wanted = !l->options.chosen_count &&
			    (!(v->info.flags & BPFLINK_STRUCT_OPS_OPTIONAL) || l->options.optional);
		if (v->info.flags & BPFLINK_STRUCT_OPS_FAILED)
			snprintf(v->reason, sizeof v->reason, "%s",
				 bpflink_error_message(bpflink_programs_struct_ops_error(l->linked, i)));
	}
}

int collect(struct loader *l)
{
	name_stem(l);
	collect_programs(l);
	collect_maps(l);
	collect_variables(l);
	return l->programs && l->maps && l->variables ? 0 : -1;
}

/*
 * A program that cannot be linked does not stop the others: then `linked` is
 * there in spite of the error, and its reason is told with it.
 */
int open_and_link(struct loader *l)
{
	bpflink_error *error = NULL;

	l->btf_fd = -1;
	link_object(l, &error);
	if (!l->linked) {
		fprintf(stderr, "%s\n", bpflink_error_message(error));
		bpflink_error_free(error);
		return -1;
	}
	bpflink_error_free(error);
	return collect(l);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void close_loader(struct loader *l)
{
	close_variables(l);
	for (size_t i = 0; l->programs && i < l->program_count; i++) {
		close_fd(l->programs[i].link);
		for (size_t n = 0; n < l->programs[i].more_link_count; n++)
			close_fd(l->programs[i].more_links[n]);
		free(l->programs[i].more_links);
		close_fd(l->programs[i].fd);
		free(l->programs[i].log);
	}
	for (size_t i = 0; l->maps && i < l->map_count; i++) {
		unmap_arena(&l->maps[i]);
		close_fd(l->maps[i].fd);
	}
	for (size_t i = 0; i < l->module_count; i++)
		close_fd(l->modules[i].fd);
	close_fd(l->btf_fd);
	free(l->programs);
	free(l->maps);
	/* In any order: what one needs of another it keeps itself. */
	bpflink_object_free(l->object);
	bpflink_programs_free(l->linked);
	bpflink_target_free(l->target);
	bpflink_btf_free(l->btf);
}
