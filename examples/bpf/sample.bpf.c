// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The sample object: functions in several sections, maps and data of every
 * kind, CO-RE reads of task_struct. All but `count_entries` loads on Linux 5.10.
 */
#include "bpf.h"
#include "sample.h"

/*
 * The kernel's types, as much of them as is used. Order, offsets and sizes are
 * wrong on purpose: CO-RE puts in those of the kernel that the object is linked for.
 */
struct task_struct;
struct new_utsname { char release[SAMPLE_RELEASE_LEN]; } CORE;
struct uts_namespace { struct new_utsname name; } CORE;
struct nsproxy { struct uts_namespace *uts_ns; } CORE;
struct signal_struct { int nr_threads; } CORE;
typedef struct { u32 val; } CORE kuid_t;
struct cred { kuid_t uid; } CORE;
struct mm_struct { u64 start_code; } CORE;

struct task_struct {
	char comm[SAMPLE_NAME_LEN];
	s32 pid;
	s32 tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	const struct cred *real_cred;
	struct nsproxy *nsproxy;
	struct mm_struct *mm;
	u64 start_boottime;
	u32 sched_reset_on_fork : 1;
} CORE;

/* Flavours: what follows `___` is not part of the kernel type's name. */
struct task_struct___before_5_5 { u64 real_start_time; } CORE;
struct task_struct___imagined { u64 no_such_field; } CORE;
struct no_such_type { int x; } CORE;
struct bpf_insn___short { s32 imm; } CORE;
enum bpf_map_type___other { BPF_MAP_TYPE_RINGBUF___other = 1000, BPF_MAP_TYPE_NEVER___other };

/* --- data of every kind */
struct sample_result result SEC(".data.result") = {};
struct sample_request request SEC(".data.request") = {};
u32 initialized = 1000;
u32 more SEC(".data.more") = 200;
const volatile u32 constant = 30;
const volatile u32 table[4] SEC(".rodata.table") = { 1, 2, 3, 4 };
u32 zeroed;
static u32 runs;

/* --- maps */
struct {
	map_uint(type, BPF_MAP_TYPE_HASH);
	map_uint(max_entries, SAMPLE_ENTRIES);
	map_type(key, u32);
	map_type(value, u64);
} entries SEC(".maps");

struct {
	map_uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_uint(max_entries, 1);
	map_type(key, u32);
	map_type(value, u64);
} per_cpu SEC(".maps");

struct {
	map_uint(type, BPF_MAP_TYPE_RINGBUF);
	map_uint(max_entries, 4096);
} events SEC(".maps");

struct inner {
	map_uint(type, BPF_MAP_TYPE_ARRAY);
	map_uint(max_entries, 1);
	map_type(key, u32);
	map_type(value, u32);
};
struct inner inner_map SEC(".maps");

struct {
	map_uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	map_uint(max_entries, 2);
	map_type(key, u32);
	map_values(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &inner_map } };

int tail(void *ctx);
struct {
	map_uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	map_uint(max_entries, 3);
	map_type(key, u32);
	map_values(values, int(void *));
} tails SEC(".maps") = { .values = { [2] = &tail } };

/* --- functions in three sections: each factor shows that the right one was called */
static noinline u32 twice(u32 x)
{
	opaque(x);
	return 2 * x;
}

noinline u32 add_constant(u32 x)
{
	opaque(x);
	return twice(x) + constant;
}

/* Another section than .text, and not first in it. (`?`: not to be loaded unasked.) */
SEC("?lib") noinline u32 times_three(u32 x)
{
	opaque(x);
	return 3 * x;
}

SEC("?lib") noinline u32 times_five_and_add(u32 x)
{
	opaque(x);
	return times_three(add_constant(x)) + 5 * x;
}

/* --- CO-RE */
static void ask_types(struct sample_types *to)
{
	struct task_struct *t = 0;
	struct task_struct___imagined *imagined = 0;
	struct bpf_insn___short *insn = 0;

	to->comm_size = field_size(t->comm);
	to->insn_size = type_size(struct bpf_insn___short);
	to->insn_imm_offset = field_offset(insn->imm);
	to->insn_imm_signed = field_signed(insn->imm);
	to->pid_exists = field_exists(t->pid);
	to->missing_field_exists = field_exists(imagined->no_such_field);
	to->task_exists = type_exists(struct task_struct);
	to->missing_type_exists = type_exists(struct no_such_type);
	to->ringbuf_map_type = enum_value(enum bpf_map_type___other, BPF_MAP_TYPE_RINGBUF___other);
	to->missing_enum_exists = enum_exists(enum bpf_map_type___other, BPF_MAP_TYPE_NEVER___other);
}

/* A bitfield: the bytes around it, then two shifts. */
static u32 read_reset_on_fork(struct task_struct *t)
{
	u64 bits = 0;
	u32 size = field_size(t->sched_reset_on_fork);

	if (size > sizeof bits)
		return ~0u;
	bpf_probe_read_kernel(&bits, size, (void *)t + field_offset(t->sched_reset_on_fork));
	bits <<= field_lshift(t->sched_reset_on_fork);
	return bits >> field_rshift(t->sched_reset_on_fork);
}

static u64 read_start_boottime(struct task_struct *t)
{
	struct task_struct___before_5_5 *old = (void *)t;

	/* What the kernel lacks is poisoned; the verifier sees that it is never reached. */
	return field_exists(t->start_boottime) ? follow(t, start_boottime) : follow(old, real_start_time);
}

static noinline int read_task(struct task_struct *t, struct sample_task *to)
{
	struct task_struct *parent, *leader;
	struct uts_namespace *uts;

	if (!to)
		return 1;
	parent = follow(t, real_parent);
	leader = follow(t, group_leader);
	uts = follow(follow(t, nsproxy), uts_ns);
	read_field(&to->pid, t->pid);
	read_field(&to->tgid, t->tgid);
	read_field(&to->parent_pid, parent->pid);
	read_field(&to->parent_tgid, parent->tgid);
	read_field(&to->leader_pid, leader->pid);
	read_field(&to->uid, follow(t, real_cred)->uid.val);
	read_field(&to->threads, follow(t, signal)->nr_threads);
	read_field(&to->start_code, follow(t, mm)->start_code); /* in an anonymous struct */
	bpf_probe_read_kernel_str(to->comm, sizeof to->comm, &t->comm);
	bpf_probe_read_kernel_str(to->release, sizeof to->release, &uts->name.release);
	to->reset_on_fork = read_reset_on_fork(t);
	to->start_boottime = read_start_boottime(t);
	return 0;
}

static noinline void use_maps(void)
{
	struct sample_event event = { .tgid = bpf_get_current_pid_tgid() >> 32, .runs = runs };
	u32 zero = 0, one = 1, *value;
	u64 *count, square = runs * runs;
	void *inner;

	bpf_map_update_elem(&entries, &runs, &square, 0);
	count = bpf_map_lookup_elem(&per_cpu, &zero);
	if (count)
		*count += 1;
	bpf_ringbuf_output(&events, &event, sizeof event, 0);
	inner = bpf_map_lookup_elem(&outer, &one);
	value = inner ? bpf_map_lookup_elem(inner, &zero) : 0;
	if (value)
		result.inner_value = ++*value;
}

/* Run with BPF_PROG_TEST_RUN: the current task is the one that called bpf(2). */
SEC("raw_tp/sys_enter") int look(void *ctx)
{
	runs += 1;
	zeroed += 1;
	initialized += 1;
	read_task(bpf_get_current_task(), &result.test_run);
	ask_types(&result.types);
	use_maps();
	result.runs = runs;
	result.arithmetic = times_five_and_add(runs);
	result.data_sum = initialized + more + constant + table[runs & 3] + zeroed;
	bpf_probe_read_kernel_str(result.greeting, sizeof result.greeting, SAMPLE_GREETING);
	bpf_tail_call(ctx, &tails, 2);
	return 0;
}

SEC("raw_tp/sys_exit") int tail(void *ctx)
{
	result.tail_called += 1;
	return 0;
}

/*
 * Fires when a task leaves a CPU. Here the verifier knows what `prev` points to,
 * so its fields are loaded directly: relocations of load instructions.
 */
SEC("tp_btf/sched_switch") int watch(u64 *ctx)
{
	struct task_struct *prev = (void *)ctx[1];

	if (!request.tgid || (u32)prev->tgid != request.tgid)
		return 0;
	result.switched.pid = prev->pid;
	result.switched.tgid = prev->tgid;
	result.switched.parent_pid = prev->real_parent->pid;
	result.switched.parent_tgid = prev->real_parent->tgid;
	result.switched.leader_pid = prev->group_leader->pid;
	result.switched.uid = prev->real_cred->uid.val;
	result.switched.threads = prev->signal->nr_threads;
	result.switched.start_boottime = prev->start_boottime;
	result.switched.start_code = prev->mm ? prev->mm->start_code : 0;
	result.switched.reset_on_fork = read_reset_on_fork(prev);
	return 0;
}

/* A callback, Linux 5.13. The `?` says: only load it when asked. */
static long count_entry(void *map, const void *key, void *value, void *ctx)
{
	result.entries += 1;
	result.entries_sum += *(u64 *)value;
	return 0;
}

SEC("?raw_tp/sys_enter") int count_entries(void *ctx)
{
	result.entries = 0;
	result.entries_sum = 0;
	bpf_for_each_map_elem(&entries, count_entry, 0, 0);
	return 0;
}

SEC("license") char license_text[] = "Dual MIT/GPL";
