/* measure ROUNDS COMMANDS: starts the commands of a file, one a line, in turn, so many rounds,
 * and prints a line for each process that ended: its command's number, then nanoseconds from
 * before its start to after its end, microseconds of user and system time, kilobytes at the most.
 *
 * Each runs some times in a row, of which the last is told: a short process finds caches and free
 * pages as one of its own kind leaves them. What a larger one left costs it a quarter more, and it
 * takes four or five of them until that is over.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define COMMANDS_MAX 64
#define WORDS_MAX 16
#define SETTLING_RUNS 5
#define SETTLING_NANOS UINT64_C(50000000)

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

static bool run(int command, const posix_spawn_file_actions_t *actions, bool told)
{
	uint64_t start = now();
	struct rusage usage;
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, words[command][0], actions, NULL, words[command], environ))
		return false;
	if (wait4(pid, &status, 0, &usage) != pid || status) {
		fprintf(stderr, "measure: %s ended with %d\n", words[command][0], status);
		return false;
	}
	if (told)
		printf("%d %llu %ld %ld\n", command, (unsigned long long)(now() - start),
		       micros(&usage.ru_utime) + micros(&usage.ru_stime), usage.ru_maxrss);
	return true;
}

/* Runs it untold: at least once, and no more when it has taken long enough. */
static bool settled(int command, const posix_spawn_file_actions_t *actions)
{
	uint64_t start = now();

	for (int times = 0; times < SETTLING_RUNS; times++) {
		if (!run(command, actions, false))
			return false;
		if (now() - start > SETTLING_NANOS)
			break;
	}
	return true;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	int rounds = argc > 2 ? atoi(argv[1]) : 0, count = argc > 2 ? commands(argv[2]) : 0;

	if (!rounds || !count)
		return 2;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (int round = 0; round < rounds; round++) {
		for (int c = 0; c < count; c++)
			if (!settled(c, &actions) || !run(c, &actions, true))
				return 3;
		fflush(stdout);
	}
	return 0;
}
