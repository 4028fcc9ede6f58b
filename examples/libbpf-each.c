// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What libbpf itself loads of an object, program by program, in the columns of
 * `loader --table`: for load-tools.sh to compare with. libbpf refuses a whole
 * object for one program, so each is tried alone, in an object opened anew.
 */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The same as the example loader chooses where a tool would. */
#define DEFAULT_ENTRIES 1024
#define STACK_BYTES (127 * 8)

static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static void choose_sizes(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STACK_TRACE && !bpf_map__value_size(map))
			bpf_map__set_value_size(map, STACK_BYTES);
		if (bpf_map__type(map) != BPF_MAP_TYPE_PERF_EVENT_ARRAY && !bpf_map__max_entries(map))
			bpf_map__set_max_entries(map, DEFAULT_ENTRIES);
	}
}

/* Tries the n-th program; 1 where there is none. */
static int try_program(const char *path, const char *stem, int wanted)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program, *chosen = NULL;
	int n = 0, error;

	if (!object) {
		printf("%s\t-\trefused\tnot opened\n", stem);
		return 1;
	}
	bpf_object__for_each_program(program, object) {
		if (n == wanted)
			chosen = program;
		bpf_program__set_autoload(program, n++ == wanted);
	}
	if (chosen) {
		choose_sizes(object);
		error = bpf_object__load(object);
		printf("%s\t%s\t%s\t%d\n", stem, bpf_program__name(chosen), error ? "refused" : "loaded", error);
	}
	bpf_object__close(object);
	return !chosen;
}

int main(int argc, char **argv)
{
	libbpf_set_print(be_silent);
	for (int i = 1; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');
		char stem[64];

		snprintf(stem, sizeof stem, "%s", slash ? slash + 1 : argv[i]);
		stem[strcspn(stem, ".")] = 0;
		for (int n = 0; !try_program(argv[i], stem, n); n++)
			;
	}
	return 0;
}
