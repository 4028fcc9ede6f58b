/* libbpf-load OBJ: what libbpf gets loaded of an object, program by program.
 *
 * libbpf gives up at the first program that the kernel refuses. Here bpf_prog_load is
 * wrapped: the kernel's answer is noted, and libbpf gets a descriptor all the same, so that
 * it hands over the next program too. Nothing else stands between libbpf and the kernel.
 * Programs that it never hands over that way, because it refuses the object before, are
 * tried once more alone.
 *
 * One JSON line for each program, and a last one for the object loaded as libbpf does it
 * by itself: its own choice of programs, no answer changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bpf.h"
#include "libbpf.h"
#include "witness.h"

/* The same as the example loader chooses where a tool would. */
#define DEFAULT_ENTRIES 1024
#define STACK_BYTES (127 * 8)

#define LOG_SIZE (16u << 20)
#define WORDS 200

struct answer {
	bool asked; /* the kernel was */
	int error; /* its errno, or where it was not asked that of libbpf */
	char words[WORDS]; /* the last of the verifier's log, or of libbpf's warnings */
};

static bool going_on; /* whether a refusal is kept from libbpf */
static struct answer *answers;
static const char **names;
static size_t program_count;
static char warning[WORDS]; /* the first since the load began: it names the cause */
static char *log_buffer;

static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN && !warning[0]) {
		vsnprintf(warning, sizeof warning, format, arguments);
		warning[strcspn(warning, "\n")] = '\0';
	}
	return 0;
}

/* The last line of a verifier's log that is not a statistic. */
static void last_words(const char *log, char to[WORDS])
{
	const char *end = log + strlen(log), *line = end;

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
	snprintf(to, WORDS, "%.*s", (int)(end - line), line);
}

static struct answer *answer_of(const char *name)
{
	for (size_t i = 0; i < program_count; i++)
		if (name && !strcmp(names[i], name))
			return &answers[i];
	return NULL;
}

int __real_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *insns, size_t len, struct bpf_prog_load_opts *opts);

int __wrap_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *insns, size_t len, struct bpf_prog_load_opts *opts);

int __wrap_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *insns, size_t len, struct bpf_prog_load_opts *opts)
{
	struct answer *answer = answer_of(name);
	int fd, error;

	if (!answer || !going_on)
		return __real_bpf_prog_load(type, name, license, insns, len, opts);
	fd = __real_bpf_prog_load(type, name, license, insns, len, opts);
	answer->asked = true;
	answer->error = 0;
	if (fd >= 0)
		return fd;
	error = errno;
	if (opts && log_buffer) {
		log_buffer[0] = '\0';
		opts->log_buf = log_buffer;
		opts->log_size = LOG_SIZE;
		opts->log_level = 1;
		fd = __real_bpf_prog_load(type, name, license, insns, len, opts);
		if (fd >= 0)
			return fd;
		last_words(log_buffer, answer->words);
	}
	answer->error = error;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* These have no entries of their own, and the kernel wants 0. */
static bool is_storage(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_TASK_STORAGE ||
	       type == BPF_MAP_TYPE_INODE_STORAGE || type == BPF_MAP_TYPE_CGRP_STORAGE ||
	       type == BPF_MAP_TYPE_CGROUP_STORAGE || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

static void choose_sizes(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STACK_TRACE && !bpf_map__value_size(map))
			bpf_map__set_value_size(map, STACK_BYTES);
		if (bpf_map__type(map) != BPF_MAP_TYPE_PERF_EVENT_ARRAY &&
		    !is_storage(bpf_map__type(map)) && !bpf_map__max_entries(map))
			bpf_map__set_max_entries(map, DEFAULT_ENTRIES);
		bpf_map__set_pin_path(map, NULL);
	}
}

/* An object with the sizes chosen that a tool would choose, or NULL. */
static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);

	if (object)
		choose_sizes(object);
	return object;
}

/* All programs, or the one of that index; the others are not loaded. */
static int load(struct bpf_object *object, long only)
{
	struct bpf_program *program;
	long i = 0;

	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, only < 0 || i == only);
		i++;
	}
	warning[0] = '\0';
	return bpf_object__load(object);
}

static void note_names(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		program_count++;
	answers = calloc(program_count + 1, sizeof *answers);
	names = calloc(program_count + 1, sizeof *names);
	if (!answers || !names)
		abort();
	program_count = 0;
	bpf_object__for_each_program(program, object)
		names[program_count++] = bpf_program__name(program);
}

static void try_alone(const char *path, size_t i)
{
	struct bpf_object *object = open_object(path);
	int error;

	if (!object)
		return;
	error = load(object, (long)i);
	if (!answers[i].asked) {
		answers[i].error = -error;
		snprintf(answers[i].words, WORDS, "%s", error ? warning : "");
	}
	bpf_object__close(object);
}

static void emit_program_line(const struct bpf_program *program, const struct answer *answer)
{
	printf("{\"program\":");
	emit_string(stdout, bpf_program__name(program));
	printf(",\"section\":");
	emit_string(stdout, bpf_program__section_name(program));
	printf(",\"loaded\":%s,\"kernel\":%s,\"errno\":%d,\"words\":",
	       answer->asked && !answer->error ? "true" : "false",
	       answer->asked ? "true" : "false", answer->error);
	emit_string(stdout, answer->words);
	printf("}\n");
}

/* The object as libbpf loads it by itself. */
static void emit_object_line(const char *path)
{
	struct bpf_object *object;
	int error;

	warning[0] = '\0';
	object = open_object(path);
	error = errno;
	if (object)
		error = -bpf_object__load(object);
	printf("{\"object\":true,\"loaded\":%s,\"errno\":%d,\"words\":", error ? "false" : "true", error);
	emit_string(stdout, error ? warning : "");
	printf("}\n");
	bpf_object__close(object);
}

int main(int argc, char **argv)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct bpf_program *program;
	struct bpf_object *object;
	size_t i = 0;

	if (argc != 2) {
		fputs("usage: libbpf-load OBJ\n", stderr);
		return 2;
	}
	setrlimit(RLIMIT_MEMLOCK, &all);
	libbpf_set_print(keep_warning);
	log_buffer = malloc(LOG_SIZE);
	object = open_object(argv[1]);
	if (object) {
		note_names(object);
		going_on = true;
		load(object, -1);
		for (size_t n = 0; n < program_count; n++)
			if (!answers[n].asked)
				try_alone(argv[1], n);
		going_on = false;
		bpf_object__for_each_program(program, object)
			emit_program_line(program, &answers[i++]);
		bpf_object__close(object);
	}
	emit_object_line(argv[1]);
	return 0;
}
