/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Takes cases that the Rust tests recorded (tests/support/record.rs) through the
 * C ABI, and compares all that it says with what the Rust API said.
 *
 *     replay FOLDER CASE...
 */
#include "check.h"
#include "text.h"

#define MAX_MODULES 32
#define FIRST_FD 100
#define DIFFERENCE 160

struct kase {
	const char *folder;
	char name[256];
	unsigned char *object;
	size_t object_size;
	bpflink_btf *vmlinux;
	bpflink_btf *modules[MAX_MODULES];
	size_t module_count;
	char release[64];
	char *kconfig;
	char *kallsyms;
	bpflink_target *target;
	bpflink_link_options options;
	int is_link;
	const char *expected;
	size_t expected_length;
};

static unsigned char *read_input(const struct kase *k, const char *file, size_t *size)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", k->folder, file);
	return read_file(path, size);
}

static bpflink_btf *read_btf(const struct kase *k, const char *file, const char *name, const bpflink_btf *base)
{
	bpflink_btf *btf = NULL;
	size_t size;
	unsigned char *bytes = read_input(k, file, &size);
	bpflink_error *error = NULL;

	CHECK(bytes != NULL);
	CHECK_OK(bpflink_btf_from_memory(bytes, size, name, base, &btf, &error));
	free(bytes); /* it was copied */
	return btf;
}

static void read_line(struct kase *k, char *line)
{
	char file[256], module[256];
	size_t size;

	if (!strncmp(line, "name ", 5))
		snprintf(k->name, sizeof k->name, "%s", line + 5);
	else if (sscanf(line, "object %255s", file) == 1)
		k->object = read_input(k, file, &k->object_size);
	else if (sscanf(line, "vmlinux %255s", file) == 1)
		k->vmlinux = read_btf(k, file, NULL, NULL);
	else if (sscanf(line, "module %255s %255s", file, module) == 2 && k->module_count < MAX_MODULES)
		k->modules[k->module_count++] = read_btf(k, file, module, k->vmlinux);
	else if (sscanf(line, "kconfig %255s", file) == 1)
		k->kconfig = (char *)read_input(k, file, &size);
	else if (sscanf(line, "kallsyms %255s", file) == 1)
		k->kallsyms = (char *)read_input(k, file, &size);
	else if (!strncmp(line, "release ", 8))
		snprintf(k->release, sizeof k->release, "%s", line + 8);
	else if (!strncmp(line, "flags ", 6)) {
		k->options.flags = strtoul(line + 6, NULL, 10);
		k->is_link = 1;
	} else
		CHECK(!"a line of the case that says something known");
}

/* The head ends with an empty line. */
static void read_head(struct kase *k, char *text, size_t length)
{
	char *line = text, *end;

	while ((end = strchr(line, '\n')) && end != line) {
		*end = 0;
		read_line(k, line);
		line = end + 1;
	}
	CHECK(end != NULL);
	k->expected = end ? end + 1 : line;
	k->expected_length = length - (size_t)(k->expected - text);
}

static void make_target(struct kase *k)
{
	bpflink_target_options options;
	bpflink_error *error = NULL;
	size_t i;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	options.vmlinux = k->vmlinux;
	options.modules = k->modules;
	options.module_count = k->module_count;
	options.release = k->release[0] ? k->release : NULL;
	options.kconfig = k->kconfig;
	options.kallsyms = k->kallsyms;
	CHECK_OK(bpflink_target_new(&options, &k->target, &error));
	/* The target keeps what it needs. */
	for (i = 0; i < k->module_count; i++)
		bpflink_btf_free(k->modules[i]);
	bpflink_btf_free(k->vmlinux);
}

/* Writes down how a call ended, where there is a text, and frees its error. */
static bpflink_status told(struct text *t, const char *call, bpflink_status status, bpflink_error **error)
{
	if (t)
		text_outcome(t, call, status, *error);
	CHECK(!status == !*error);
	bpflink_error_free(*error);
	*error = NULL;
	return status;
}

static bpflink_object *open_object(const struct kase *k, struct text *t)
{
	bpflink_object_options options;
	bpflink_object *object = NULL;
	bpflink_error *error = NULL;
	bpflink_status status;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	options.name = k->name;
	status = bpflink_object_from_memory(k->object, k->object_size, &options, &object, &error);
	if (t)
		told(t, "open", status, &error);
	CHECK(!status == !!object);
	bpflink_error_free(error);
	return object;
}

static void replay_open(const struct kase *k, struct text *t)
{
	bpflink_object *object = open_object(k, t);
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;

	if (!object)
		return;
	text_object(t, object);
	told(t, "split", bpflink_split(object, NULL, &set, &error), &error);
	if (set)
		text_set(t, object, set);
	bpflink_programs_free(set);
	bpflink_object_free(object);
}

static void replay_stages(const struct kase *k, const bpflink_object *object, struct text *t)
{
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;
	size_t i;

	/* A status of its own where the file got a program wrong; the others are there. */
	told(NULL, "split", bpflink_split(object, NULL, &set, &error), &error);
	if (!set)
		return;
	told(t, "flatten", bpflink_flatten(set, &k->options, &error), &error);
	text_set(t, object, set);
	told(t, "relocate", bpflink_relocate(set, k->target, &k->options, &error), &error);
	text_set(t, object, set);
	for (i = 0; i < bpflink_object_map_count(object); i++) {
		bpflink_map_info map;

		memset(&map, 0, sizeof map);
		map.size = sizeof map;
		CHECK(!bpflink_object_map(object, i, &map));
		told(t, "set_map_fd", bpflink_programs_set_map_fd(set, map.name, FIRST_FD + (int)i, &error),
		     &error);
	}
	told(t, "finalize", bpflink_finalize(set, k->target, &k->options, &error), &error);
	text_set(t, object, set);
	bpflink_programs_free(set);
}

static void replay_link(const struct kase *k, struct text *t)
{
	bpflink_object *object = open_object(k, NULL);
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;

	told(t, "link", bpflink_link(object, k->target, &k->options, &set, &error), &error);
	if (set)
		text_set(t, object, set);
	bpflink_programs_free(set);
	replay_stages(k, object, t);
	bpflink_object_free(object);
}

static void show_difference(const struct kase *k, const struct text *t, const char *path)
{
	size_t at = 0, line;

	while (at < t->length && at < k->expected_length && t->bytes[at] == k->expected[at])
		at++;
	for (line = at; line > 0 && t->bytes[line - 1] != '\n' && at - line < DIFFERENCE; line--)
		;
	fprintf(stderr, "%s: differs\n    Rust: %.*s\n    C:    %.*s\n", path, (int)DIFFERENCE * 2,
		k->expected + line, (int)DIFFERENCE * 2, t->bytes + line);
}

static void replay(const char *folder, const char *path)
{
	struct kase k;
	struct text t;
	size_t length;
	char *text = (char *)read_file(path, &length);
	int same;

	memset(&k, 0, sizeof k);
	memset(&t, 0, sizeof t);
	k.folder = folder;
	k.options.size = sizeof k.options;
	CHECK(text != NULL);
	if (!text)
		return;
	read_head(&k, text, length);
	if (k.is_link) {
		make_target(&k);
		replay_link(&k, &t);
	} else {
		replay_open(&k, &t);
	}
	same = t.length == k.expected_length && !memcmp(t.bytes, k.expected, t.length);
	CHECK(same);
	if (!same)
		show_difference(&k, &t, path);
	bpflink_target_free(k.target);
	text_free(&t);
	free(k.object);
	free(k.kconfig);
	free(k.kallsyms);
	free(text);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 2; i < argc; i++)
		replay(argv[1], argv[i]);
	CHECK(argc > 2);
	return check_done();
}
