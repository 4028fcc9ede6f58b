/* libbpf-link OBJ [--btf [NAME=]FILE]... : what libbpf would hand to bpf(2),
 * as JSON lines, without a kernel; --serve: of many objects, one after the other.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/version.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libbpf.h"
#include "witness.h"

struct settings settings;

#define REASON_LINES 3
static char reason[REASON_LINES][512];
static size_t reason_count;

/* Keeps libbpf's last warnings: they are the reason when it gives up. */
static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	char *line = reason[reason_count % REASON_LINES];

	if (settings.verbose) {
		va_list copy;

		va_copy(copy, args);
		vfprintf(stderr, format, copy);
		va_end(copy);
	}
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(reason[0]), format, args);
	line[strcspn(line, "\n")] = '\0';
	reason_count++;
	return 0;
}

static void reason_text(char *out, size_t size)
{
	size_t first = reason_count > REASON_LINES ? reason_count - REASON_LINES : 0;
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = first; i < reason_count && used < size; i++)
		used += snprintf(out + used, size - used, "%s%s", i > first ? "; " : "",
				 reason[i % REASON_LINES]);
	if (!reason_count)
		snprintf(out, size, "libbpf gives no reason");
}

/* One line of output per program, filled by whichever pass links it. */
static char **answers;
static bool any_failed;
static bool only_variables; /* streams of now are of programs without their maps */

static void answer_failure(FILE *out, const char *program, const char *section, const char *why)
{
	emit_failure(out, program, section, why);
	any_failed = true;
}

void captured(struct bpf_object *obj, size_t i, struct stream *stream)
{
	const char *missing = emit_unresolved(obj, stream);
	char text[512];
	size_t size;
	FILE *out;

	if (answers[i] || only_variables)
		return;
	out = open_memstream(&answers[i], &size);
	if (!out)
		abort();
	if (settings.attach) {
		emit_attach(out, stream);
	} else if (missing) {
		snprintf(text, sizeof(text), "extern '%s' (strong): not resolved", missing);
		answer_failure(out, stream->program, stream->section, text);
	} else {
		emit_program(out, obj, stream);
	}
	fclose(out);
}

static void link_alone(const char *path, size_t i)
{
	struct bpf_object *obj;
	char why[1600];

	reason_count = 0;
	obj = inside_open(path);
	if (!obj)
		return;
	inside_load(obj, PASS_ALONE, i);
	if (!answers[i]) {
		size_t size;
		FILE *out = open_memstream(&answers[i], &size);

		if (!out)
			abort();
		reason_text(why, sizeof(why));
		answer_failure(out, inside_program_name(obj, i), inside_program_section(obj, i), why);
		fclose(out);
	}
	inside_close(obj);
}

/* Each variable by itself: libbpf gives up at the first that the kernel does not take. */
static void print_struct_ops(const char *path, size_t map)
{
	struct bpf_object *obj = inside_open(path);
	struct map_view view;

	if (!obj)
		return;
	only_variables = true;
	inside_load(obj, PASS_VARIABLE, map);
	only_variables = false;
	if (inside_struct_ops(obj, map, &view))
		emit_map(stdout, &view);
	inside_close(obj);
}

/* The maps' definitions are the file's; .kconfig is filled by the load. */
static void print_maps(const struct bpf_object *obj, bool loaded)
{
	for (size_t i = 0; i < inside_map_count(obj); i++) {
		struct map_view map;

		inside_map(obj, i, &map);
		if (!inside_is_struct_ops(obj, i) && loaded == !strcmp(map.name, ".kconfig"))
			emit_map(stdout, &map);
	}
}

static int link_object(const char *path)
{
	struct bpf_object *obj = inside_open(path);
	size_t programs, maps;
	bool *entry, *struct_ops;
	char why[1600];

	if (!obj) {
		reason_text(why, sizeof(why));
		answer_failure(stdout, NULL, NULL, why);
		return 1;
	}
	programs = inside_program_count(obj);
	answers = calloc(programs + 1, sizeof(*answers));
	entry = calloc(programs + 1, sizeof(*entry));
	maps = inside_map_count(obj);
	struct_ops = calloc(maps + 1, sizeof(*struct_ops));
	if (!answers || !entry || !struct_ops)
		abort();
	/* What a program of struct_ops attaches to is known of the whole only. */
	for (size_t i = 0; i < programs; i++)
		entry[i] = inside_is_entry(obj, i) &&
			   !(settings.attach && inside_is_struct_ops_program(obj, i));
	for (size_t i = 0; i < maps; i++)
		struct_ops[i] = inside_is_struct_ops(obj, i);

	print_maps(obj, false);
	if (inside_load(obj, PASS_WHOLE, 0)) {
		reason_text(why, sizeof(why));
		fprintf(stderr, "libbpf-link: %s: %s\n", path, why);
	}
	print_maps(obj, true);
	inside_close(obj);

	for (size_t i = 0; i < maps && !settings.real_kernel; i++)
		if (struct_ops[i])
			print_struct_ops(path, i);
	for (size_t i = 0; i < programs; i++) {
		if (entry[i] && !answers[i])
			link_alone(path, i);
		if (answers[i])
			fputs(answers[i], stdout);
		free(answers[i]);
	}
	free(answers);
	free(entry);
	free(struct_ops);
	return any_failed;
}

/* One object in a process of its own: what it breaks or leaves behind ends with it. */
static int link_apart(const char *path)
{
	pid_t child = fork();
	int status;

	if (!child) {
		status = link_object(path);
		fflush(stdout);
		_exit(status);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The objects that stdin names, one a line; after each a line with the status. The
 * target is read once. */
static int serve(void)
{
	char *path = NULL;
	size_t size = 0;
	ssize_t len;

	if (target_prepare())
		return 2;
	while ((len = getline(&path, &size, stdin)) > 0) {
		path[strcspn(path, "\n")] = '\0';
		printf("{\"end\":%d}\n", link_apart(path));
		fflush(stdout);
	}
	free(path);
	return 0;
}

static uint32_t parse_release(const char *text)
{
	unsigned int major, minor = 0, patch = 0;

	if (sscanf(text, "%u.%u.%u", &major, &minor, &patch) < 1)
		return 0;
	return KERNEL_VERSION(major, minor, patch > 255 ? 255 : patch);
}

static int usage(void)
{
	fputs("usage: libbpf-link OBJ [--btf [NAME=]FILE]... [--release X.Y.Z] [--kconfig FILE]\n"
	      "                   [--kallsyms FILE] [--lines] [--attach] [--kernel] [--verbose]\n"
	      "       libbpf-link --serve ...: the objects that stdin names, line by line\n"
	      "--attach: type ids that programs attach to, instead of their streams\n"
	      "--kernel: load for real with this kernel and print what was handed to it\n", stderr);
	return 2;
}

static int add_target(const char *spec)
{
	int err = target_add(spec);

	if (err)
		fprintf(stderr, "libbpf-link: %s: %s\n", spec, strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "btf", required_argument, NULL, 'b' },
		{ "release", required_argument, NULL, 'r' },
		{ "kconfig", required_argument, NULL, 'c' },
		{ "kallsyms", required_argument, NULL, 's' },
		{ "lines", no_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' }, /* the only output there is */
		{ "attach", no_argument, NULL, 'a' },
		{ "kernel", no_argument, NULL, 'k' },
		{ "serve", no_argument, NULL, 'S' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	bool serving = false;
	int c;

	libbpf_set_print(keep_warning);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			if (add_target(optarg))
				return 2;
			break;
		case 'r': settings.release = parse_release(optarg); break;
		case 'c': settings.kconfig = optarg; break;
		case 's': settings.kallsyms = optarg; break;
		case 'l': settings.lines = true; break;
		case 'j': break;
		case 'a': settings.attach = true; break;
		case 'k': settings.real_kernel = true; break;
		case 'S': serving = true; break;
		case 'v': settings.verbose = true; break;
		default: return usage();
		}
	}
	if (optind + !serving != argc)
		return usage();
	if (serving)
		return serve();
	return link_object(argv[optind]);
}
