/* measure ROUNDS COMMANDS: starts the commands of a file, one a line, in turn, so many rounds,
 * and prints a line for each process that ended: its command's number, then nanoseconds from
 * before its start to after its end, microseconds of user and system time, kilobytes at the most.
 * One round more is run first, for the caches, and not told.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define COMMANDS_MAX 64
#define WORDS_MAX 16

extern char **environ;
static char *words[COMMANDS_MAX][WORDS_MAX + 1];

static int commands(const char *path)
{
	static char line[65536];
	FILE *file = fopen(path, "r");
	int count = 0;

	if (!file)
		return 0;
	while (count < COMMANDS_MAX && fgets(line, sizeof(line), file)) {
		int n = 0;

		for (char *w = strtok(line, " \n"); w && n < WORDS_MAX; w = strtok(NULL, " \n"))
			words[count][n++] = strdup(w);
		count += n > 0;
	}
	fclose(file);
	return count;
}

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * UINT64_C(1000000000) + at.tv_nsec;
}

static long micros(const struct timeval *t)
{
	return t->tv_sec * 1000000L + t->tv_usec;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	int rounds = argc > 2 ? atoi(argv[1]) : 0, count = argc > 2 ? commands(argv[2]) : 0;

	if (!rounds || !count)
		return 2;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (int round = -1; round < rounds; round++) {
		for (int c = 0; c < count; c++) {
			struct rusage usage;
			uint64_t start = now();
			int status;
			pid_t pid;

			if (posix_spawnp(&pid, words[c][0], &actions, NULL, words[c], environ))
				return 3;
			if (wait4(pid, &status, 0, &usage) != pid || status) {
				fprintf(stderr, "measure: %s ended with %d\n", words[c][0], status);
				return 3;
			}
			if (round >= 0)
				printf("%d %llu %ld %ld\n", c, (unsigned long long)(now() - start),
				       micros(&usage.ru_utime) + micros(&usage.ru_stime), usage.ru_maxrss);
		}
		fflush(stdout);
	}
	return 0;
}
