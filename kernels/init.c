/*
 * The first process of a booted test kernel.
 *
 * Mounts what a BPF loader expects, loads the modules under /ko in order of name, runs
 * the command in /command (arguments, then an empty string, then NAME=VALUE settings,
 * each ended by NUL), says with which status it ended, and stops the machine.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif

enum { MAX_STRINGS = 256, CANNOT_RUN = 127 };

static void mount_or_say(const char *type, const char *where)
{
	if (mount(type, where, type, 0, NULL) != 0 && errno != EBUSY)
		printf("init: mount %s: %s\n", where, strerror(errno));
}

/* The output of the command must arrive as it was written: no \n to \r\n. */
static void open_console(void)
{
	struct termios mode;
	int console = open("/dev/console", O_RDWR);

	for (int fd = 0; console >= 0 && fd < 3; fd++)
		dup2(console, fd);
	if (console > 2)
		close(console);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (tcgetattr(1, &mode) == 0) {
		mode.c_oflag &= ~OPOST;
		mode.c_lflag &= ~ECHO;
		tcsetattr(1, TCSANOW, &mode);
	}
}

static void mount_all(void)
{
	mount_or_say("devtmpfs", "/dev");
	open_console();
	mount_or_say("proc", "/proc");
	mount_or_say("sysfs", "/sys");
	mount_or_say("tmpfs", "/tmp");
	mount_or_say("bpf", "/sys/fs/bpf");
	mount_or_say("tracefs", "/sys/kernel/tracing");
	mount_or_say("cgroup2", "/sys/fs/cgroup");
}

static void load_modules(void)
{
	struct dirent **entries;
	int count = scandir("/ko", &entries, NULL, alphasort);
	char path[512];

	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/ko/%s", entries[i]->d_name);
		int file = open(path, O_RDONLY | O_CLOEXEC);
		if (syscall(SYS_finit_module, file, "", 0) != 0)
			printf("init: %s: %s\n", path, strerror(errno));
		close(file);
	}
}

/* Cuts /command at its NULs. The text stays allocated: the strings point into it. */
static int read_command(char **arguments, char **settings)
{
	int file = open("/command", O_RDONLY | O_CLOEXEC);
	struct stat facts;
	char *text, *at, **into = arguments;
	int count = 0;

	if (file < 0 || fstat(file, &facts) != 0)
		return -1;
	text = calloc(1, (size_t)facts.st_size + 1);
	if (!text || read(file, text, (size_t)facts.st_size) != facts.st_size)
		return -1;
	close(file);
	for (at = text; at < text + facts.st_size; at += strlen(at) + 1) {
		if (*at == '\0' && into == arguments) {
			into = settings;
			count = 0;
		} else if (count + 1 < MAX_STRINGS) {
			into[count++] = at;
		}
	}
	return 0;
}

static int run_command(void)
{
	static char *arguments[MAX_STRINGS], *settings[MAX_STRINGS];
	int status;
	pid_t child;

	if (read_command(arguments, settings) != 0 || !arguments[0])
		return CANNOT_RUN;
	child = fork();
	if (child == 0) {
		setsid();
		execve(arguments[0], arguments, settings);
		printf("init: %s: %s\n", arguments[0], strerror(errno));
		_exit(CANNOT_RUN);
	}
	if (child < 0)
		return CANNOT_RUN;
	/* Orphans become children of this process: wait for the one that counts. */
	while (waitpid(-1, &status, 0) != child)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void stop(int status)
{
	fflush(stdout);
	tcdrain(1);
	sync();
#ifdef __x86_64__
	/* The device at this port ends qemu at once. */
	if (ioperm(0xf4, 4, 1) == 0)
		outl((unsigned int)status, 0xf4);
#else
	(void)status;
#endif
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

int main(void)
{
	int status;

	mount_all();
	load_modules();
	printf("\nINIT-BEGIN\n");
	status = run_command();
	printf("\nINIT-EXIT %d\n", status);
	stop(status);
}
