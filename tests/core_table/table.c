// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The kernel's own test of CO-RE, unchanged: its table, its inputs, what it expects, and the
 * code that decides. This file stands for the program around it (test_progs.c) and counts;
 * whose bpf_object is opened and loaded is settled when it is linked: libbpf's (libbpf.c) or
 * ours (objects.c).
 *
 *   table FOLDER [--btfgen] [--verbose]     FOLDER holds the objects of its programs and targets
 *   table FOLDER --link-only [--verbose]    without bpf(2); not for libbpf, which cannot
 *
 * --btfgen asks the test for its second half: `./bpftool gen min_core_btf` of FOLDER makes the
 * targets smaller first. Exit status 0 where every case came out as the table says.
 */
#define _GNU_SOURCE
#include "prog_tests/core_reloc.c" /* of the kernel's selftests */
#include "table.h"
#include <sys/prctl.h>

/* The programs read the name of the process that triggers them. */
#define PROCESS_NAME "test_progs"

struct test_env env;
struct outcome outcome;

static struct {
	const struct core_reloc_test_case *now;
	int failed, skipped, verbose;
	int cases, right, left_out, compared, refused, poisoned;
} table;

/* The reason for a refusal has to be a relocation: else anything that is wrong with an object
 * would do for a case that has to fail. */
static const char *wrong(void)
{
	if (table.failed)
		return "not as the table says";
	if (table.now->fails && outcome.loaded)
		return "must fail, and does not";
	if (table.now->fails && !outcome.by_relocation)
		return "fails for another reason than its relocations";
	if (!table.now->fails && !outcome.loaded)
		return "fails";
	return NULL;
}

static void end_case(void)
{
	const char *why = table.now && !table.skipped ? wrong() : NULL;

	if (!table.now)
		return;
	table.cases++;
	if (table.skipped) {
		table.left_out++;
	} else if (why) {
		fprintf(stderr, "WRONG %s: %s: %s\n", table.now->case_name, why, outcome.reason);
	} else {
		table.right++;
		table.compared += outcome.loaded;
		table.refused += !outcome.loaded;
		table.poisoned += outcome.poisoned;
	}
	if (table.verbose && !why)
		fprintf(stderr, "%s %s: %s\n", table.skipped ? "left out" : "right", table.now->case_name,
			outcome.loaded ? "loaded" : outcome.reason);
	table.now = NULL;
}

bool test__start_subtest(const char *name)
{
	end_case();
	for (size_t i = 0; i < ARRAY_SIZE(test_cases); i++)
		if (!strcmp(test_cases[i].case_name, name))
			table.now = &test_cases[i];
	table.failed = table.skipped = 0;
	memset(&outcome, 0, sizeof outcome);
	return table.now != NULL;
}

void test__skip(void)
{
	table.skipped = 1;
}

void test__fail(void)
{
	table.failed = 1;
}

/* Reading it calls the tracepoint; what the module answers is of no interest. */
int trigger_module_test_read(int size)
{
	int fd = open("/sys/kernel/bpf_testmod", O_RDONLY);

	if (fd < 0)
		return -errno;
	if (read(fd, NULL, size) < 0)
		errno = 0;
	close(fd);
	return 0;
}

/* Whether an object is of the byte order of this machine. */
static bool is_native(const char *path)
{
	unsigned char start[6] = { 0 };
	FILE *file = fopen(path, "rb");

	if (file) {
		start[5] = fread(start, 1, sizeof start, file) == sizeof start ? start[5] : 0;
		fclose(file);
	}
	return start[5] == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 : 2);
}

/* A case without a target is one of the running kernel and its modules. */
static bool has_target(const struct core_reloc_test_case *c)
{
	if (c->btf_src_file)
		return true;
	if (c->needs_testmod && !env.has_testmod)
		return false;
	return !access("/sys/kernel/btf/vmlinux", R_OK) && is_native(c->bpf_obj_file);
}

static void link_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(test_cases); i++) {
		const struct core_reloc_test_case *c = &test_cases[i];

		test__start_subtest(c->case_name);
		if (has_target(c))
			link_only(c->bpf_obj_file, c->btf_src_file, c->fails);
		else
			test__skip();
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: table FOLDER [--link-only | --btfgen] [--verbose]\n");
	return 2;
}

int main(int argc, char **argv)
{
	void (*run)(void) = test_core_reloc;

	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--link-only"))
			run = link_only ? link_all : NULL;
		else if (!strcmp(argv[i], "--btfgen"))
			run = test_core_reloc_btfgen;
		else if (!strcmp(argv[i], "--verbose"))
			table.verbose = 1;
		else
			run = NULL;
	}
	if (argc < 2 || !run || chdir(argv[1]))
		return usage();
	prctl(PR_SET_NAME, PROCESS_NAME);
	env.has_testmod = !access("/sys/kernel/btf/bpf_testmod", R_OK);
	prepare();
	run();
	end_case();
	fprintf(stderr, "%d cases: %d right, %d wrong, %d left out; %d ", table.cases, table.right,
		table.cases - table.right - table.left_out, table.left_out, table.compared);
	if (run == link_all)
		fprintf(stderr, "linked (%d with poison), %d refused\n", table.poisoned, table.refused);
	else
		fprintf(stderr, "loaded and compared, %d refused\n", table.refused);
	return table.cases && table.right + table.left_out == table.cases ? 0 : 1;
}
