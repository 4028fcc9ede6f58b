/*
 * What a kernel with 32-bit pointers is asked for: the types that BPF programs read, and
 * the records of the tracepoints that they attach to. Compiled against the headers of a
 * distribution's kernel, with its configuration; only the debug information is used.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/bpf.h>
#include <linux/cgroup.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/io_uring.h>
#include <linux/ipv6.h>
#include <linux/mount.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/perf_event.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/trace_events.h>
#include <linux/tty.h>
#include <linux/udp.h>
#include <net/inet_sock.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/sock.h>
#include <net/tcp.h>

#define CREATE_TRACE_POINTS
#include <trace/events/block.h>
#include <trace/events/irq.h>
#include <trace/events/oom.h>
#include <trace/events/power.h>
#include <trace/events/sched.h>
#include <trace/events/signal.h>
#include <trace/events/skb.h>
#include <trace/events/sock.h>
#include <trace/events/tcp.h>

/* A structure of which only pointers are in sight is left out; a function names it. */
void bpflink_anchor(struct task_struct *task, struct file *file, struct sk_buff *skb,
		    struct tcp_sock *tcp, struct request *request, struct bpf_prog *prog)
{
}
