/* Drives a linker from the command line or from stdin, and takes the time: see runner.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

#define INPUTS_MAX 4096
#define LINE_MAX_BYTES (1 << 20)

static void *needed(void *pointer)
{
	if (!pointer)
		abort();
	return pointer;
}

static uint64_t now(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return at.tv_sec * UINT64_C(1000000000) + at.tv_nsec;
}

/* Files stay in memory once they were named. */
static const struct input *loaded(const char *path)
{
	static struct input known[INPUTS_MAX];
	static size_t count;
	struct input *input;
	FILE *file;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(known[i].path, path))
			return &known[i];
	file = fopen(path, "rb");
	if (!file || count == INPUTS_MAX) {
		perror(path);
		exit(2);
	}
	input = &known[count++];
	input->path = needed(strdup(path));
	fseek(file, 0, SEEK_END);
	input->size = ftell(file);
	rewind(file);
	input->bytes = needed(malloc(input->size));
	if (fread(input->bytes, 1, input->size, file) != input->size)
		exit(2);
	fclose(file);
	return input;
}

static void print_digest(const struct digest *d)
{
	printf("%016llx %lu %lu %lu\n", (unsigned long long)d->sum, d->programs, d->instructions, d->failed);
	fflush(stdout);
}

struct work {
	const struct input *inputs[INPUTS_MAX];
	size_t count, times, first;
};

static void *linked(void *arg)
{
	const struct work *work = arg;

	for (size_t n = 0; n < work->times; n++)
		for (size_t i = 0; i < work->count; i++)
			if (link_object(work->inputs[(work->first + i) % work->count], NULL))
				exit(3);
	return NULL;
}

static void take(struct work *work)
{
	const char *path;

	while ((path = strtok(NULL, " \n")))
		work->inputs[work->count++] = loaded(path);
}

static void in_threads(struct work *work, size_t threads)
{
	pthread_t *ids = needed(calloc(threads, sizeof(*ids)));
	struct work *shares = needed(calloc(threads, sizeof(*shares)));

	for (size_t t = 0; t < threads; t++) {
		shares[t] = *work;
		shares[t].first = t * work->count / threads;
		if (pthread_create(&ids[t], NULL, linked, &shares[t]))
			abort();
	}
	for (size_t t = 0; t < threads; t++)
		pthread_join(ids[t], NULL);
	free(shares);
	free(ids);
}

static size_t number(void)
{
	const char *word = strtok(NULL, " \n");

	return word ? strtoul(word, NULL, 10) : 0;
}

static void for_kernels(const struct input *input)
{
	const char *btf;

	while ((btf = strtok(NULL, " \n")))
		if (link_for(input, btf, NULL))
			exit(3);
}

static void answer(char *line)
{
	static struct work work;
	const char *command = strtok(line, " \n");
	uint64_t wall, cpu;
	size_t threads;

	if (!command)
		return;
	memset(&work, 0, sizeof(work));
	if (!strcmp(command, "digest")) {
		struct digest digest = { 0 };

		if (link_object(loaded(strtok(NULL, " \n")), &digest))
			digest.failed++;
		print_digest(&digest);
		return;
	}
	if (!strcmp(command, "kernels")) {
		const struct input *input = loaded(strtok(NULL, " \n"));

		wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		for_kernels(input);
	} else {
		threads = strcmp(command, "threads") ? 1 : number();
		work.times = number();
		take(&work);
		wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		if (threads == 1)
			linked(&work);
		else
			in_threads(&work, threads);
	}
	printf("%llu %llu\n", (unsigned long long)(now(CLOCK_MONOTONIC) - wall),
	       (unsigned long long)(now(CLOCK_PROCESS_CPUTIME_ID) - cpu));
	fflush(stdout);
}

static int serve(const char *btf)
{
	char *line = needed(malloc(LINE_MAX_BYTES));

	target_set(btf, true);
	while (fgets(line, LINE_MAX_BYTES, stdin))
		answer(line);
	free(line);
	return 0;
}

static bool memory_wanted;

void memory_told(void)
{
	char line[256];
	FILE *status;

	if (!memory_wanted)
		return;
	memory_wanted = false;
	status = needed(fopen("/proc/self/status", "r"));
	while (fgets(line, sizeof(line), status))
		if (!strncmp(line, "VmHWM", 5) || !strncmp(line, "Rss", 3))
			fputs(line, stdout);
	fclose(status);
}

int main(int argc, char **argv)
{
	struct input input = { .path = argc > 2 ? argv[2] : NULL };
	struct digest digest = { 0 };

	if (argc > 1 && !strcmp(argv[1], "serve"))
		return serve(input.path);
	memory_wanted = argc > 1 && !strcmp(argv[1], "memory");
	if (argc < 3 || (!memory_wanted && strcmp(argv[1], "cold"))) {
		fprintf(stderr, "usage: %s cold|memory OBJ [BTF] | serve [BTF]\n", argv[0]);
		return 2;
	}
	target_set(argc > 3 ? argv[3] : NULL, false);
	if (link_object(&input, &digest))
		return 3;
	print_digest(&digest);
	/* A loader would go on: nobody's cleaning up is measured. */
	_exit(0);
}
