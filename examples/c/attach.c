// SPDX-License-Identifier: MIT OR Apache-2.0
/* Attaching programs, each to what its section names as the library reads it. */
#define _GNU_SOURCE
#include "loader.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Samples each second for programs of type perf_event. */
#define SAMPLE_FREQUENCY 49
/* BPF_LSM_CGROUP of Linux 6.0, which headers may be older than. */
#define ATTACH_LSM_CGROUP 43

int not_attached(struct program *p, const char *why)
{
	snprintf(p->unattached, sizeof p->unattached, "%s", why);
	return -1;
}

int not_attached_errno(struct program *p, const char *what)
{
	snprintf(p->unattached, sizeof p->unattached, "%s: %s", what, strerror(errno));
	return -1;
}

/* With a name a raw tracepoint; without one what the program was loaded for. */
static int open_raw_tracepoint(struct program *p, const char *name)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.raw_tracepoint.name = (uintptr_t)name;
	attr.raw_tracepoint.prog_fd = p->fd;
	p->link = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
	return p->link < 0 ? not_attached_errno(p, "BPF_RAW_TRACEPOINT_OPEN") : 0;
}

static int create_link(struct program *p, __u32 target, __u32 type)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.link_create.prog_fd = p->fd;
	attr.link_create.target_fd = target;
	attr.link_create.attach_type = type;
	p->link = sys_bpf(BPF_LINK_CREATE, &attr);
	return p->link < 0 ? not_attached_errno(p, "BPF_LINK_CREATE") : 0;
}

int start_perf_event(struct program *p, struct perf_event_attr *attr, int pid, int cpu)
{
	int fd = sys_perf_event_open(attr, pid, cpu);

	if (fd < 0)
		return not_attached_errno(p, "perf_event_open");
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, p->fd) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		not_attached_errno(p, "PERF_EVENT_IOC_SET_BPF");
		close(fd);
		return -1;
	}
	p->link = fd;
	return 0;
}

int read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	int number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* The number stands in tracefs. */
static int attach_tracepoint(struct program *p)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	struct perf_event_attr attr;
	char path[256];
	int id = -1;

	for (size_t i = 0; id < 0 && i < sizeof roots / sizeof *roots; i++) {
		snprintf(path, sizeof path, "%s/events/%.80s/%.80s/id", roots[i], p->attach.category,
			 p->attach.name);
		id = read_number(path);
	}
	if (id < 0)
		return not_attached(p, "tracefs has no such tracepoint (is it mounted?)");
	memset(&attr, 0, sizeof attr);
	attr.type = PERF_TYPE_TRACEPOINT;
	attr.size = sizeof attr;
	attr.config = id;
	attr.sample_period = attr.wakeup_events = 1;
	return start_perf_event(p, &attr, -1, 0);
}

static int attach_kprobe(struct program *p, const char *function)
{
	int type = read_number("/sys/bus/event_source/devices/kprobe/type");
	struct perf_event_attr attr;

	if (type < 0)
		return not_attached(p, "the kernel has no kprobes");
	memset(&attr, 0, sizeof attr);
	attr.type = type;
	attr.size = sizeof attr;
	attr.config = (p->attach.flags & BPFLINK_ATTACH_ON_RETURN) != 0;
	attr.config1 = (uintptr_t)function;
	attr.config2 = p->attach.offset;
	return start_perf_event(p, &attr, -1, 0);
}

/* The kernel's function for a system call has the architecture's prefix. */
static int attach_ksyscall(struct program *p)
{
#if defined(__x86_64__)
	static const char prefix[] = "__x64_sys_";
#elif defined(__aarch64__)
	static const char prefix[] = "__arm64_sys_";
#elif defined(__s390x__)
	static const char prefix[] = "__s390x_sys_";
#else
	static const char prefix[] = "sys_";
#endif
	char function[128];

	snprintf(function, sizeof function, "%s%.100s", prefix, p->attach.name);
	return attach_kprobe(p, function);
}

/* On the first CPU: enough to see it run. */
static int attach_perf_event(struct program *p)
{
	struct perf_event_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_CPU_CLOCK;
	attr.size = sizeof attr;
	attr.freq = 1;
	attr.sample_freq = SAMPLE_FREQUENCY;
	return start_perf_event(p, &attr, -1, 0);
}

static int attach_xdp(struct program *p, const char *interface)
{
	__u32 index = interface ? if_nametoindex(interface) : 0;

	if (!index)
		return not_attached(p, interface ? "no such interface" : "needs --interface");
	return create_link(p, index, BPF_XDP);
}

static int attach_cgroup(struct program *p, const char *path)
{
	int cgroup, status;

	if (!path)
		return not_attached(p, "needs --cgroup");
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		return not_attached_errno(p, path);
	status = create_link(p, cgroup, p->info.attach_type);
	close(cgroup);
	return status;
}

/* Attached, an iterator is a file to read. */
static int attach_iterator(struct program *p)
{
	return create_link(p, 0, BPF_TRACE_ITER);
}

/* Those whose section does not say where: by their type, and what the user said. */
static int attach_by_type(struct loader *l, struct program *p)
{
	switch (p->info.type) {
	case BPF_PROG_TYPE_PERF_EVENT:
		return attach_perf_event(p);
	case BPF_PROG_TYPE_XDP:
		return attach_xdp(p, l->options.interface);
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_SOCK_OPS:
		return attach_cgroup(p, l->options.cgroup);
	default:
		return not_attached(p, "this example does not attach programs of its type");
	}
}

int attach_program(struct loader *l, struct program *p)
{
	const bpflink_attach_info *target = &p->attach;

	if (target->problem)
		return not_attached(p, target->problem);
	if (target->kind != BPFLINK_ATTACH_NONE && !target->name[0])
		return not_attached(p, "its section does not say what to attach to");
	switch (target->kind) {
	case BPFLINK_ATTACH_NONE:
		return attach_by_type(l, p);
	case BPFLINK_ATTACH_RAW_TRACEPOINT:
		return open_raw_tracepoint(p, target->name);
	case BPFLINK_ATTACH_FUNCTION:
	case BPFLINK_ATTACH_BTF_TRACEPOINT:
		return open_raw_tracepoint(p, NULL);
	case BPFLINK_ATTACH_LSM:
		return p->info.attach_type == ATTACH_LSM_CGROUP ? attach_cgroup(p, l->options.cgroup) :
								  open_raw_tracepoint(p, NULL);
	case BPFLINK_ATTACH_ITERATOR:
		return attach_iterator(p);
	case BPFLINK_ATTACH_TRACEPOINT:
		return attach_tracepoint(p);
	case BPFLINK_ATTACH_KPROBE:
		return attach_kprobe(p, target->name);
	case BPFLINK_ATTACH_KPROBE_MULTI:
		return attach_kprobe_multi(p);
	case BPFLINK_ATTACH_KSYSCALL:
		return attach_ksyscall(p);
	case BPFLINK_ATTACH_UPROBE:
		return attach_uprobe(p);
	case BPFLINK_ATTACH_UPROBE_MULTI:
		return attach_uprobe_multi(p);
	case BPFLINK_ATTACH_USDT:
		return attach_usdt(l, p);
	default:
		return not_attached(p, "this example does not attach programs of its kind");
	}
}
