// SPDX-License-Identifier: MIT OR Apache-2.0
/* Loads any BPF object into the running kernel, and shows what it did. */
#define _GNU_SOURCE
#include "loader.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USAGE = 2, READ_SIZE = 100 };

static const char help[] =
	"usage: loader [OPTION]... OBJECT\n"
	"Links a BPF object for the running kernel, loads its maps and programs.\n"
	"  --link-only         link and show, load nothing (needs no privileges)\n"
	"  --btf FILE          link for the kernel of this BTF (for a kernel that has none itself,\n"
	"                      or with --link-only for another one)\n"
	"  --release X.Y.Z     the release of that kernel; the newest if not given\n"
	"  --feature NAME      the kernel has this feature, whatever it says; `all` for all of them\n"
	"  --no-feature NAME   the kernel lacks it; may both be repeated\n"
	"  --features          list what the running kernel supports, and do nothing else; exit\n"
	"                      status 1 where that is not what its release tells\n"
	"  --dump              with --link-only: names and streams in hex, nothing else\n"
	"  --program NAME      only this program; may be repeated\n"
	"  --optional          programs of `?` sections too\n"
	"  --run NAME          run a program once with BPF_PROG_TEST_RUN; may be repeated\n"
	"  --attach            attach what was loaded, for --seconds N (1)\n"
	"  --read FILE         read this file once all is attached, for what that sets off\n"
	"  --exec FILE         run this program, likewise\n"
	"  --interface NAME    where to attach XDP programs\n"
	"  --cgroup PATH       where to attach programs of cgroups\n"
	"  --maps              show the contents of maps at the end\n"
	"  --expect WHAT       sample: the checks of the sample object; congestion: what was\n"
	"                      registered is a congestion control that sockets may choose\n"
	"  --table             one line for each map and program, separated by tabs: which of the\n"
	"                      two, section, name, loaded or refused, the kernel's errno, the reason\n"
	"  --verbose           functions, relocations, and the verifier's logs\n"
	"Exit status: 0 all done, 1 something was refused, 2 bad usage.\n";

static const struct option long_options[] = {
	{ "link-only", no_argument, NULL, 'l' },      { "btf", required_argument, NULL, 'b' },
	{ "feature", required_argument, NULL, 'f' },  { "no-feature", required_argument, NULL, 'n' },
	{ "features", no_argument, NULL, 'F' },
	{ "release", required_argument, NULL, 'R' },  { "dump", no_argument, NULL, 'd' },
	{ "program", required_argument, NULL, 'p' },  { "optional", no_argument, NULL, 'o' },
	{ "run", required_argument, NULL, 'r' },      { "attach", no_argument, NULL, 'a' },
	{ "seconds", required_argument, NULL, 's' },  { "read", required_argument, NULL, 'x' },
	{ "exec", required_argument, NULL, 'y' },
	{ "interface", required_argument, NULL, 'i' }, { "cgroup", required_argument, NULL, 'c' },
	{ "maps", no_argument, NULL, 'm' },           { "expect", required_argument, NULL, 'e' },
	{ "table", no_argument, NULL, 't' },          { "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },           { NULL, 0, NULL, 0 },
};

static int is_expectation(const char *name)
{
	return !strcmp(name, "sample") || !strcmp(name, "congestion");
}

static int add_name(const char **names, size_t *count)
{
	if (*count == MAX_CHOSEN)
		return -1;
	names[(*count)++] = optarg;
	return 0;
}

static int set_option(struct options *o, int option)
{
	switch (option) {
	case 'l': o->link_only = 1; return 0;
	case 'b': o->btf = optarg; return 0;
	case 'R': o->release = optarg; return 0;
	case 'f': return set_feature(o, optarg, 1);
	case 'n': return set_feature(o, optarg, 0);
	case 'd': o->dump = o->link_only = 1; return 0;
	case 'p': return add_name(o->chosen, &o->chosen_count);
	case 'o': o->optional = 1; return 0;
	case 'r': return add_name(o->run, &o->run_count);
	case 'a': o->attach = 1; return 0;
	case 's': o->seconds = strtoul(optarg, NULL, 10); return 0;
	case 'x': o->read = optarg; return 0;
	case 'y': o->exec = optarg; return 0;
	case 'i': o->interface = optarg; return 0;
	case 'c': o->cgroup = optarg; return 0;
	case 'm': o->show_maps = 1; return 0;
	case 'e': o->expect = optarg; return is_expectation(optarg) ? 0 : -1;
	case 't': o->table = 1; return 0;
	case 'v': o->verbose = 1; return 0;
	default: return -1;
	}
}

/* The release as bpflink counts releases; a patch level tells nothing of features. */
static uint32_t running_release(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major << 16 | minor << 8;
}

static int parse(struct options *o, int argc, char **argv)
{
	int option;

	o->seconds = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			exit(0);
		}
		if (option == 'F')
			exit(show_features(running_release()) != 0);
		if (set_option(o, option))
			return -1;
	}
	if (optind + 1 != argc)
		return -1;
	o->object = argv[optind];
	return 0;
}

/* Attaches every loaded program, waits, and says how many were refused. */
static int attach_all(struct loader *l)
{
	int refused = 0;

	for (size_t i = 0; i < l->program_count; i++) {
		struct program *p = &l->programs[i];

		/* Their variables are registered, not they. */
		if (p->fd < 0 || p->attach.kind == BPFLINK_ATTACH_STRUCT_OPS)
			continue;
		if (attach_program(l, p)) {
			refused++;
			printf("  program %s NOT ATTACHED: %s\n", p->info.name, p->unattached);
		} else {
			printf("  program %s attached\n", p->info.name);
		}
	}
	return refused;
}

static int register_all(struct loader *l)
{
	int refused = 0;

	for (size_t i = 0; i < l->variable_count; i++) {
		struct variable *v = &l->variables[i];

		if (v->fd < 0)
			continue;
		if (register_variable(l, i)) {
			refused++;
			printf("  struct_ops %s NOT REGISTERED: %s\n", v->info.name, v->reason);
		} else {
			printf("  struct_ops %s registered\n", v->info.name);
		}
	}
	return refused;
}

static int run_named(struct loader *l, const char *name)
{
	struct program *p = find_program(l, name);
	__u32 result = 0;

	if (!p || p->fd < 0) {
		printf("  program %s cannot be run: not loaded\n", name);
		return 1;
	}
	if (run_program(p, &result)) {
		printf("  program %s cannot be run: %s\n", p->info.name, strerror(errno));
		return 1;
	}
	printf("  program %s ran and returned %u\n", p->info.name, result);
	return 0;
}

static int count_refused(const struct loader *l)
{
	int refused = 0;

	for (size_t i = 0; i < l->program_count; i++)
		refused += l->programs[i].wanted &&
			   (l->options.link_only ? l->programs[i].info.flags & BPFLINK_PROGRAM_FAILED :
						   l->programs[i].fd < 0);
	for (size_t i = 0; i < l->variable_count; i++)
		refused += l->variables[i].wanted &&
			   (l->options.link_only ? l->variables[i].reason[0] != 0 : l->variables[i].fd < 0);
	return refused;
}

/* Before 5.11, maps and programs count as memory that is locked. */
static void allow_memory(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &all);
}

static void load(struct loader *l)
{
	allow_memory();
	load_btf(l);
	create_maps(l);
	fill_maps(l);
	load_programs(l);
	create_variables(l);
	fill_program_arrays(l);
}

/* What a file answers says nothing here: probes may be what stands behind it. */
static void read_once(const char *path)
{
	char bytes[READ_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		printf("  %s cannot be read: %s\n", path, strerror(errno));
		return;
	}
	if (read(fd, bytes, sizeof bytes) < 0)
		printf("  %s: %s\n", path, strerror(errno));
	close(fd);
}

/* Runs a program to its end; 1 where that is a bad one. */
static int exec_once(const char *path)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status) {
		printf("  %s FAILED: status %d\n", path, status);
		return 1;
	}
	return 0;
}

/* The number of things that went wrong. */
static int use(struct loader *l)
{
	int wrong = 0;

	for (size_t i = 0; i < l->options.run_count; i++)
		wrong += run_named(l, l->options.run[i]);
	if (l->options.expect && !strcmp(l->options.expect, "sample"))
		wrong += check_sample(l);
	if (l->options.attach) {
		wrong += attach_all(l) + register_all(l);
		if (l->options.expect && !strcmp(l->options.expect, "congestion"))
			wrong += check_congestion_control(l);
		if (l->options.read)
			read_once(l->options.read);
		if (l->options.exec)
			wrong += exec_once(l->options.exec);
		sleep(l->options.seconds);
	}
	if (l->options.show_maps)
		show_contents(l);
	return wrong;
}

int main(int argc, char **argv)
{
	struct loader l = { .btf_fd = -1 };
	int wrong = 1;

	if (parse(&l.options, argc, argv)) {
		fputs(help, stderr);
		return USAGE;
	}
	if (!open_and_link(&l)) {
		if (l.options.dump)
			show_dump(&l);
		else if (!l.options.table)
			show_link(&l);
		if (!l.options.link_only) {
			load(&l);
			l.options.table ? show_table(&l) : show_loaded(&l);
		}
		wrong = count_refused(&l);
		if (!l.options.link_only)
			wrong += use(&l);
	}
	close_loader(&l);
	return wrong ? 1 : 0;
}
