/*
 * each SECONDS FOLDER COMMAND [ARGUMENT]... : the command once for every file of the folder,
 * in order of name, its path as the last argument.
 *
 * Before what a run writes to its standard output stands `@ NAME`, after it `= NAME STATUS MS`:
 * its exit status (128 and the signal where one ended it, 124 where it took too long) and how
 * long it took. What a run leaves behind in the kernel ends with it. Static, for it also runs on booted kernels
 * that have nothing else.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMED_OUT = 124, CANNOT_RUN = 127, USAGE = 2 };

static void run_child(char **command)
{
	int nothing = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDERR_FILENO);
	execv(command[0], command);
	_exit(CANNOT_RUN);
}

/* The status of a command that has at most SECONDS. */
static int run(char **command, unsigned seconds)
{
	sigset_t ended;
	struct timespec limit = { .tv_sec = seconds };
	int status;
	pid_t child;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	child = fork();
	if (child == 0) {
		sigprocmask(SIG_UNBLOCK, &ended, NULL);
		run_child(command);
	}
	if (child < 0)
		return CANNOT_RUN;
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (sigtimedwait(&ended, NULL, &limit) < 0) {
			kill(-child, SIGKILL);
			waitpid(child, &status, 0);
			return TIMED_OUT;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	char path[PATH_MAX];
	char **command;
	int count;

	if (argc < 4) {
		fputs("usage: each SECONDS FOLDER COMMAND [ARGUMENT]...\n", stderr);
		return USAGE;
	}
	count = scandir(argv[2], &entries, is_visible, alphasort);
	command = calloc((size_t)argc, sizeof *command);
	if (count < 0 || !command) {
		perror(argv[2]);
		return USAGE;
	}
	memcpy(command, argv + 3, (size_t)(argc - 3) * sizeof *command);
	command[argc - 3] = path;
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%s", argv[2], entries[i]->d_name);
		printf("\n@ %s\n", entries[i]->d_name);
		fflush(stdout);
		long started = milliseconds();
		int status = run(command, (unsigned)strtoul(argv[1], NULL, 10));
		printf("\n= %s %d %ld\n", entries[i]->d_name, status, milliseconds() - started);
		fflush(stdout);
	}
	return 0;
}
