// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The checks of the sample object: what its programs read of this process by
 * CO-RE must be what userspace knows of it.
 */
#define _GNU_SOURCE
#include "../bpf/sample.h"
#include "loader.h"
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define RUNS 3
#define NANOSECONDS 1000000000ull
/* Fields of /proc/self/stat after the process's name, which ends with `)`. */
#define STAT_START_TIME 20
#define STAT_START_CODE 24
#define INITIAL_PID_NAMESPACE "pid:[4026531836]"
#define INITIAL_USER_NAMESPACE "user:[4026531837]"

static int passed;
static int failures;

static void count(int good)
{
	passed += good;
	failures += !good;
}

static void fail(const char *what, const char *which)
{
	count(0);
	printf("    FAILED %s %s\n", what, which);
}

static void expect(const char *what, uint64_t seen, uint64_t known)
{
	count(seen == known);
	printf("    %s %-44s the program saw %" PRIu64, seen == known ? "ok    " : "FAILED", what, seen);
	if (seen != known)
		printf(", userspace knows %" PRIu64, known);
	printf("\n");
}

static void expect_text(const char *what, const char *seen, const char *known)
{
	int same = !strcmp(seen, known);

	count(same);
	printf("    %s %-44s the program saw \"%s\"", same ? "ok    " : "FAILED", what, seen);
	if (!same)
		printf(", userspace knows \"%s\"", known);
	printf("\n");
}

static uint64_t stat_field(int wanted)
{
	char line[1024] = "", *at;
	FILE *file = fopen("/proc/self/stat", "r");

	if (!file)
		return 0;
	at = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
	fclose(file);
	for (int i = 0; at && i < wanted; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Another namespace than the initial one shows other numbers than the kernel's own. */
static int is_in(const char *file, const char *namespace)
{
	char link[64] = "";

	return readlink(file, link, sizeof link - 1) > 0 && !strcmp(link, namespace);
}

static void check_numbers(const struct sample_task *t)
{
	if (is_in("/proc/self/ns/pid", INITIAL_PID_NAMESPACE)) {
		expect("pid, against gettid()", t->pid, gettid());
		expect("tgid, against getpid()", t->tgid, getpid());
		expect("real_parent->tgid, against getppid()", t->parent_tgid, getppid());
		expect("group_leader->pid, against getpid()", t->leader_pid, getpid());
	} else {
		printf("    SKIPPED pid, tgid, parent: this is not the initial pid namespace\n");
	}
	if (is_in("/proc/self/ns/user", INITIAL_USER_NAMESPACE))
		expect("real_cred->uid, against getuid()", t->uid, getuid());
	else
		printf("    SKIPPED uid: this is not the initial user namespace\n");
	expect("signal->nr_threads", t->threads, 1);
	expect("start_boottime, against /proc/self/stat",
	       t->start_boottime / (NANOSECONDS / sysconf(_SC_CLK_TCK)), stat_field(STAT_START_TIME));
	expect("mm->start_code, against /proc/self/stat", t->start_code, stat_field(STAT_START_CODE));
}

static void check_strings(const struct sample_task *t)
{
	struct utsname name;
	char comm[SAMPLE_NAME_LEN] = "";

	prctl(PR_GET_NAME, comm);
	expect_text("comm, against PR_GET_NAME", t->comm, comm);
	if (!uname(&name))
		expect_text("nsproxy->uts_ns->name.release, against uname()", t->release, name.release);
}

static void check_types(const struct sample_types *t)
{
	expect("size of task_struct.comm", t->comm_size, SAMPLE_NAME_LEN);
	expect("size of struct bpf_insn", t->insn_size, sizeof(struct bpf_insn));
	expect("offset of bpf_insn.imm", t->insn_imm_offset, 4);
	expect("bpf_insn.imm is signed", t->insn_imm_signed, 1);
	expect("task_struct.pid exists", t->pid_exists, 1);
	expect("task_struct.no_such_field exists", t->missing_field_exists, 0);
	expect("struct task_struct exists", t->task_exists, 1);
	expect("struct no_such_type exists", t->missing_type_exists, 0);
	expect("value of BPF_MAP_TYPE_RINGBUF", t->ringbuf_map_type, BPF_MAP_TYPE_RINGBUF);
	expect("BPF_MAP_TYPE_NEVER exists", t->missing_enum_exists, 0);
}

static int read_result(struct loader *l, struct sample_result *result)
{
	struct map *m = find_map(l, ".data.result");
	__u32 zero = 0;

	if (!m || m->fd < 0 || m->info.value_size != sizeof *result)
		return -1;
	return map_lookup(m->fd, &zero, result);
}

static int run_by_name(struct loader *l, const char *name)
{
	struct program *p = find_program(l, name);
	__u32 ignored;

	if (p && p->fd >= 0 && !run_program(p, &ignored))
		return 0;
	fail("to run program", name);
	return -1;
}

/* A bit of the scheduler's that a process may set on itself. */
static void set_reset_on_fork(int on)
{
	struct sched_param parameters = { 0 };

	sched_setscheduler(0, on ? SCHED_OTHER | SCHED_RESET_ON_FORK : SCHED_OTHER, &parameters);
}

static void check_test_run(struct loader *l)
{
	struct sample_result r;

	memset(&r, 0, sizeof r);
	for (int i = 1; i <= RUNS; i++) {
		set_reset_on_fork(i == RUNS);
		if (run_by_name(l, "look"))
			return;
		if (read_result(l, &r)) {
			fail("to read", ".data.result");
			return;
		}
		expect("sched_reset_on_fork, a bitfield", r.test_run.reset_on_fork, i == RUNS);
	}
	set_reset_on_fork(0);
	check_numbers(&r.test_run);
	check_strings(&r.test_run);
	check_types(&r.types);
	/* ((2n + 30) * 3 + 5n), n = 3: add_constant, times_three, times_five_and_add */
	expect("functions of three sections", r.arithmetic, (2 * RUNS + 30) * 3 + 5 * RUNS);
	/* .data and .bss count the runs; .data.more, .rodata and .rodata.table are constant */
	expect("data of five sections", r.data_sum, (1000 + RUNS) + 200 + 30 + 4 + RUNS);
	expect_text("a string literal", r.greeting, SAMPLE_GREETING);
	expect("tail calls", r.tail_called, RUNS);
	expect("a map inside a map", r.inner_value, RUNS);
}

static void check_hash(struct loader *l)
{
	struct map *m = find_map(l, "entries");
	uint64_t value = 0, sum = 0;

	for (__u32 key = 1; m && key <= RUNS; key++)
		if (!map_lookup(m->fd, &key, &value))
			sum += value;
	expect("squares in the hash map", sum, 1 + 4 + 9);
}

static void check_per_cpu(struct loader *l)
{
	struct map *m = find_map(l, "per_cpu");
	int cpus = possible_cpus();
	uint64_t *values = calloc(cpus, sizeof *values), sum = 0;
	__u32 zero = 0;

	if (m && values && !map_lookup(m->fd, &zero, values))
		for (int i = 0; i < cpus; i++)
			sum += values[i];
	expect("count over all CPUs", sum, RUNS);
	free(values);
}

/* The producer's page and the data, read only; the events fit without wrapping. */
static void check_ring_buffer(struct loader *l)
{
	struct map *m = find_map(l, "events");
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *ring;
	uint64_t produced;
	int seen = 0;

	if (!m)
		return;
	ring = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, m->fd, page);
	if (ring == MAP_FAILED) {
		fail("to map", "the ring buffer");
		return;
	}
	memcpy(&produced, ring, sizeof produced);
	for (uint64_t at = 0; at + 8 + sizeof(struct sample_event) <= produced && at < page;) {
		struct sample_event event;
		__u32 length;

		memcpy(&length, ring + page + at, sizeof length);
		memcpy(&event, ring + page + at + BPF_RINGBUF_HDR_SZ, sizeof event);
		seen += event.runs == (unsigned)seen + 1;
		at += (BPF_RINGBUF_HDR_SZ + (length & ~BPF_RINGBUF_BUSY_BIT) + 7) / 8 * 8;
	}
	munmap(ring, 2 * page);
	expect("events in the ring buffer", seen, RUNS);
}

/* The program sees this process each time that it goes to sleep. */
static void check_attached(struct loader *l)
{
	struct program *p = find_program(l, "watch");
	struct map *m = find_map(l, ".data.request");
	struct sample_request request = { .tgid = getpid() };
	struct timespec pause = { .tv_nsec = 10000000 };
	struct sample_result r;
	__u32 zero = 0;

	memset(&r, 0, sizeof r);
	if (!p || p->fd < 0 || !m || m->fd < 0)
		return;
	if (!is_in("/proc/self/ns/pid", INITIAL_PID_NAMESPACE)) {
		printf("    SKIPPED program watch: this is not the initial pid namespace\n");
		return;
	}
	if (map_update(m->fd, &zero, &request) || attach_program(l, p)) {
		fail("to attach program watch:", p->unattached);
		return;
	}
	for (int i = 0; i < 20 && !r.switched.tgid; i++) {
		nanosleep(&pause, NULL);
		read_result(l, &r);
	}
	close(p->link);
	p->link = -1;
	printf("  attached to sched_switch, direct loads:\n");
	check_numbers(&r.switched);
}

static void check_callback(struct loader *l)
{
	struct program *p = find_program(l, "count_entries");
	struct sample_result r;

	memset(&r, 0, sizeof r);
	if (!p || !p->wanted) {
		printf("    SKIPPED the callback: --optional loads it (Linux 5.13)\n");
		return;
	}
	if (run_by_name(l, "count_entries") || read_result(l, &r))
		return;
	expect("entries counted by a callback", r.entries, RUNS);
	expect("their sum", r.entries_sum, 1 + 4 + 9);
}

int check_sample(struct loader *l)
{
	printf("  run with BPF_PROG_TEST_RUN:\n");
	check_test_run(l);
	check_hash(l);
	check_per_cpu(l);
	check_ring_buffer(l);
	check_callback(l);
	check_attached(l);
	printf("sample: %d passed, %d failed\n", passed, failures);
	return failures;
}
