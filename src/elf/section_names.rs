//! The table of section names: the union of what libbpf and cilium/ebpf know.
//!
//! Numbers are those of linux/bpf.h.

/// What one name means.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) program: u32,
    pub(super) attach: Option<u32>,
    pub(super) flags: u32,
}

const BPF_F_SLEEPABLE: u32 = 1 << 4;
const BPF_F_XDP_HAS_FRAGS: u32 = 1 << 5;

/// BPF_PROG_TYPE_*.
mod prog {
    pub(super) const SOCKET_FILTER: u32 = 1;
    pub(super) const KPROBE: u32 = 2;
    pub(super) const SCHED_CLS: u32 = 3;
    pub(super) const SCHED_ACT: u32 = 4;
    pub(super) const TRACEPOINT: u32 = 5;
    pub(super) const XDP: u32 = 6;
    pub(super) const PERF_EVENT: u32 = 7;
    pub(super) const CGROUP_SKB: u32 = 8;
    pub(super) const CGROUP_SOCK: u32 = 9;
    pub(super) const LWT_IN: u32 = 10;
    pub(super) const LWT_OUT: u32 = 11;
    pub(super) const LWT_XMIT: u32 = 12;
    pub(super) const SOCK_OPS: u32 = 13;
    pub(super) const SK_SKB: u32 = 14;
    pub(super) const CGROUP_DEVICE: u32 = 15;
    pub(super) const SK_MSG: u32 = 16;
    pub(super) const RAW_TRACEPOINT: u32 = 17;
    pub(super) const CGROUP_SOCK_ADDR: u32 = 18;
    pub(super) const LWT_SEG6LOCAL: u32 = 19;
    pub(super) const LIRC_MODE2: u32 = 20;
    pub(super) const SK_REUSEPORT: u32 = 21;
    pub(super) const FLOW_DISSECTOR: u32 = 22;
    pub(super) const CGROUP_SYSCTL: u32 = 23;
    pub(super) const RAW_TRACEPOINT_WRITABLE: u32 = 24;
    pub(super) const CGROUP_SOCKOPT: u32 = 25;
    pub(super) const TRACING: u32 = 26;
    pub(super) const STRUCT_OPS: u32 = 27;
    pub(super) const EXT: u32 = 28;
    pub(super) const LSM: u32 = 29;
    pub(super) const SK_LOOKUP: u32 = 30;
    pub(super) const SYSCALL: u32 = 31;
    pub(super) const NETFILTER: u32 = 32;
}

/// BPF_* of `enum bpf_attach_type`.
mod attach {
    pub(super) const CGROUP_INET_INGRESS: u32 = 0;
    pub(super) const CGROUP_INET_EGRESS: u32 = 1;
    pub(super) const CGROUP_INET_SOCK_CREATE: u32 = 2;
    pub(super) const CGROUP_SOCK_OPS: u32 = 3;
    pub(super) const SK_SKB_STREAM_PARSER: u32 = 4;
    pub(super) const SK_SKB_STREAM_VERDICT: u32 = 5;
    pub(super) const CGROUP_DEVICE: u32 = 6;
    pub(super) const SK_MSG_VERDICT: u32 = 7;
    pub(super) const CGROUP_INET4_BIND: u32 = 8;
    pub(super) const CGROUP_INET6_BIND: u32 = 9;
    pub(super) const CGROUP_INET4_CONNECT: u32 = 10;
    pub(super) const CGROUP_INET6_CONNECT: u32 = 11;
    pub(super) const CGROUP_INET4_POST_BIND: u32 = 12;
    pub(super) const CGROUP_INET6_POST_BIND: u32 = 13;
    pub(super) const CGROUP_UDP4_SENDMSG: u32 = 14;
    pub(super) const CGROUP_UDP6_SENDMSG: u32 = 15;
    pub(super) const LIRC_MODE2: u32 = 16;
    pub(super) const FLOW_DISSECTOR: u32 = 17;
    pub(super) const CGROUP_SYSCTL: u32 = 18;
    pub(super) const CGROUP_UDP4_RECVMSG: u32 = 19;
    pub(super) const CGROUP_UDP6_RECVMSG: u32 = 20;
    pub(super) const CGROUP_GETSOCKOPT: u32 = 21;
    pub(super) const CGROUP_SETSOCKOPT: u32 = 22;
    pub(super) const TRACE_RAW_TP: u32 = 23;
    pub(super) const TRACE_FENTRY: u32 = 24;
    pub(super) const TRACE_FEXIT: u32 = 25;
    pub(super) const MODIFY_RETURN: u32 = 26;
    pub(super) const LSM_MAC: u32 = 27;
    pub(super) const TRACE_ITER: u32 = 28;
    pub(super) const CGROUP_INET4_GETPEERNAME: u32 = 29;
    pub(super) const CGROUP_INET6_GETPEERNAME: u32 = 30;
    pub(super) const CGROUP_INET4_GETSOCKNAME: u32 = 31;
    pub(super) const CGROUP_INET6_GETSOCKNAME: u32 = 32;
    pub(super) const XDP_DEVMAP: u32 = 33;
    pub(super) const CGROUP_INET_SOCK_RELEASE: u32 = 34;
    pub(super) const XDP_CPUMAP: u32 = 35;
    pub(super) const SK_LOOKUP: u32 = 36;
    pub(super) const XDP: u32 = 37;
    pub(super) const SK_SKB_VERDICT: u32 = 38;
    pub(super) const SK_REUSEPORT_SELECT: u32 = 39;
    pub(super) const SK_REUSEPORT_SELECT_OR_MIGRATE: u32 = 40;
    pub(super) const TRACE_KPROBE_MULTI: u32 = 42;
    pub(super) const LSM_CGROUP: u32 = 43;
    pub(super) const NETFILTER: u32 = 45;
    pub(super) const TCX_INGRESS: u32 = 46;
    pub(super) const TCX_EGRESS: u32 = 47;
    pub(super) const TRACE_UPROBE_MULTI: u32 = 48;
    pub(super) const CGROUP_UNIX_CONNECT: u32 = 49;
    pub(super) const CGROUP_UNIX_SENDMSG: u32 = 50;
    pub(super) const CGROUP_UNIX_RECVMSG: u32 = 51;
    pub(super) const CGROUP_UNIX_GETPEERNAME: u32 = 52;
    pub(super) const CGROUP_UNIX_GETSOCKNAME: u32 = 53;
    pub(super) const NETKIT_PRIMARY: u32 = 54;
    pub(super) const NETKIT_PEER: u32 = 55;
    pub(super) const TRACE_KPROBE_SESSION: u32 = 56;
    pub(super) const TRACE_UPROBE_SESSION: u32 = 57;
    pub(super) const TRACE_FSESSION: u32 = 58;
}

const fn plain(name: &'static str, program: u32) -> Rule {
    Rule {
        name,
        program,
        attach: None,
        flags: 0,
    }
}

const fn at(name: &'static str, program: u32, attach: u32) -> Rule {
    Rule {
        attach: Some(attach),
        ..plain(name, program)
    }
}

const fn sleepable(rule: Rule) -> Rule {
    Rule {
        flags: BPF_F_SLEEPABLE,
        ..rule
    }
}

const fn frags(rule: Rule) -> Rule {
    Rule {
        flags: BPF_F_XDP_HAS_FRAGS,
        ..rule
    }
}

/// Names that must match whole.
pub(super) const EXACT: &[Rule] = &[
    plain("socket", prog::SOCKET_FILTER),
    at(
        "sk_reuseport/migrate",
        prog::SK_REUSEPORT,
        attach::SK_REUSEPORT_SELECT_OR_MIGRATE,
    ),
    at(
        "sk_reuseport",
        prog::SK_REUSEPORT,
        attach::SK_REUSEPORT_SELECT,
    ),
    at("tc/ingress", prog::SCHED_CLS, attach::TCX_INGRESS),
    at("tc/egress", prog::SCHED_CLS, attach::TCX_EGRESS),
    at("tcx/ingress", prog::SCHED_CLS, attach::TCX_INGRESS),
    at("tcx/egress", prog::SCHED_CLS, attach::TCX_EGRESS),
    plain("tc", prog::SCHED_CLS),
    plain("classifier", prog::SCHED_CLS),
    plain("action", prog::SCHED_ACT),
    at("netkit/primary", prog::SCHED_CLS, attach::NETKIT_PRIMARY),
    at("netkit/peer", prog::SCHED_CLS, attach::NETKIT_PEER),
    sleepable(plain("syscall", prog::SYSCALL)),
    frags(at("xdp.frags/devmap", prog::XDP, attach::XDP_DEVMAP)),
    at("xdp/devmap", prog::XDP, attach::XDP_DEVMAP),
    frags(at("xdp.frags/cpumap", prog::XDP, attach::XDP_CPUMAP)),
    at("xdp/cpumap", prog::XDP, attach::XDP_CPUMAP),
    frags(at("xdp.frags", prog::XDP, attach::XDP)),
    at("xdp", prog::XDP, attach::XDP),
    plain("perf_event", prog::PERF_EVENT),
    plain("lwt_in", prog::LWT_IN),
    plain("lwt_out", prog::LWT_OUT),
    plain("lwt_xmit", prog::LWT_XMIT),
    plain("lwt_seg6local", prog::LWT_SEG6LOCAL),
    at("sockops", prog::SOCK_OPS, attach::CGROUP_SOCK_OPS),
    at(
        "sk_skb/stream_parser",
        prog::SK_SKB,
        attach::SK_SKB_STREAM_PARSER,
    ),
    at(
        "sk_skb/stream_verdict",
        prog::SK_SKB,
        attach::SK_SKB_STREAM_VERDICT,
    ),
    at("sk_skb/verdict", prog::SK_SKB, attach::SK_SKB_VERDICT),
    plain("sk_skb", prog::SK_SKB),
    at("sk_msg", prog::SK_MSG, attach::SK_MSG_VERDICT),
    at("lirc_mode2", prog::LIRC_MODE2, attach::LIRC_MODE2),
    at(
        "flow_dissector",
        prog::FLOW_DISSECTOR,
        attach::FLOW_DISSECTOR,
    ),
    at(
        "cgroup_skb/ingress",
        prog::CGROUP_SKB,
        attach::CGROUP_INET_INGRESS,
    ),
    at(
        "cgroup_skb/egress",
        prog::CGROUP_SKB,
        attach::CGROUP_INET_EGRESS,
    ),
    plain("cgroup/skb", prog::CGROUP_SKB),
    at(
        "cgroup/sock_create",
        prog::CGROUP_SOCK,
        attach::CGROUP_INET_SOCK_CREATE,
    ),
    at(
        "cgroup/sock_release",
        prog::CGROUP_SOCK,
        attach::CGROUP_INET_SOCK_RELEASE,
    ),
    at(
        "cgroup/sock",
        prog::CGROUP_SOCK,
        attach::CGROUP_INET_SOCK_CREATE,
    ),
    at(
        "cgroup/post_bind4",
        prog::CGROUP_SOCK,
        attach::CGROUP_INET4_POST_BIND,
    ),
    at(
        "cgroup/post_bind6",
        prog::CGROUP_SOCK,
        attach::CGROUP_INET6_POST_BIND,
    ),
    at(
        "cgroup/bind4",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_INET4_BIND,
    ),
    at(
        "cgroup/bind6",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_INET6_BIND,
    ),
    at(
        "cgroup/connect4",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_INET4_CONNECT,
    ),
    at(
        "cgroup/connect6",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_INET6_CONNECT,
    ),
    at(
        "cgroup/connect_unix",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UNIX_CONNECT,
    ),
    at(
        "cgroup/sendmsg4",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UDP4_SENDMSG,
    ),
    at(
        "cgroup/sendmsg6",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UDP6_SENDMSG,
    ),
    at(
        "cgroup/sendmsg_unix",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UNIX_SENDMSG,
    ),
    at(
        "cgroup/recvmsg4",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UDP4_RECVMSG,
    ),
    at(
        "cgroup/recvmsg6",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UDP6_RECVMSG,
    ),
    at(
        "cgroup/recvmsg_unix",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UNIX_RECVMSG,
    ),
    at(
        "cgroup/getpeername4",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_INET4_GETPEERNAME,
    ),
    at(
        "cgroup/getpeername6",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_INET6_GETPEERNAME,
    ),
    at(
        "cgroup/getpeername_unix",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UNIX_GETPEERNAME,
    ),
    at(
        "cgroup/getsockname4",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_INET4_GETSOCKNAME,
    ),
    at(
        "cgroup/getsockname6",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_INET6_GETSOCKNAME,
    ),
    at(
        "cgroup/getsockname_unix",
        prog::CGROUP_SOCK_ADDR,
        attach::CGROUP_UNIX_GETSOCKNAME,
    ),
    at("cgroup/sysctl", prog::CGROUP_SYSCTL, attach::CGROUP_SYSCTL),
    at(
        "cgroup/getsockopt",
        prog::CGROUP_SOCKOPT,
        attach::CGROUP_GETSOCKOPT,
    ),
    at(
        "cgroup/setsockopt",
        prog::CGROUP_SOCKOPT,
        attach::CGROUP_SETSOCKOPT,
    ),
    at("cgroup/dev", prog::CGROUP_DEVICE, attach::CGROUP_DEVICE),
    at("sk_lookup", prog::SK_LOOKUP, attach::SK_LOOKUP),
    at("netfilter", prog::NETFILTER, attach::NETFILTER),
    // aya knows it without a direction.
    plain("cgroup_skb", prog::CGROUP_SKB),
];

/// Names that stand alone or before a slash and what the program attaches to.
pub(super) const PREFIXES: &[Rule] = &[
    plain("kprobe", prog::KPROBE),
    plain("uprobe", prog::KPROBE),
    sleepable(plain("uprobe.s", prog::KPROBE)),
    plain("kretprobe", prog::KPROBE),
    plain("uretprobe", prog::KPROBE),
    sleepable(plain("uretprobe.s", prog::KPROBE)),
    at("kprobe.multi", prog::KPROBE, attach::TRACE_KPROBE_MULTI),
    at("kretprobe.multi", prog::KPROBE, attach::TRACE_KPROBE_MULTI),
    at("kprobe.session", prog::KPROBE, attach::TRACE_KPROBE_SESSION),
    at("uprobe.multi", prog::KPROBE, attach::TRACE_UPROBE_MULTI),
    at("uretprobe.multi", prog::KPROBE, attach::TRACE_UPROBE_MULTI),
    at("uprobe.session", prog::KPROBE, attach::TRACE_UPROBE_SESSION),
    sleepable(at(
        "uprobe.multi.s",
        prog::KPROBE,
        attach::TRACE_UPROBE_MULTI,
    )),
    sleepable(at(
        "uretprobe.multi.s",
        prog::KPROBE,
        attach::TRACE_UPROBE_MULTI,
    )),
    sleepable(at(
        "uprobe.session.s",
        prog::KPROBE,
        attach::TRACE_UPROBE_SESSION,
    )),
    plain("ksyscall", prog::KPROBE),
    plain("kretsyscall", prog::KPROBE),
    plain("usdt", prog::KPROBE),
    sleepable(plain("usdt.s", prog::KPROBE)),
    plain("tracepoint", prog::TRACEPOINT),
    plain("tp", prog::TRACEPOINT),
    plain("raw_tracepoint", prog::RAW_TRACEPOINT),
    plain("raw_tp", prog::RAW_TRACEPOINT),
    plain("raw_tracepoint.w", prog::RAW_TRACEPOINT_WRITABLE),
    plain("raw_tp.w", prog::RAW_TRACEPOINT_WRITABLE),
    at("tp_btf", prog::TRACING, attach::TRACE_RAW_TP),
    at("fentry", prog::TRACING, attach::TRACE_FENTRY),
    at("fmod_ret", prog::TRACING, attach::MODIFY_RETURN),
    at("fexit", prog::TRACING, attach::TRACE_FEXIT),
    sleepable(at("fentry.s", prog::TRACING, attach::TRACE_FENTRY)),
    sleepable(at("fmod_ret.s", prog::TRACING, attach::MODIFY_RETURN)),
    sleepable(at("fexit.s", prog::TRACING, attach::TRACE_FEXIT)),
    at("fsession", prog::TRACING, attach::TRACE_FSESSION),
    sleepable(at("fsession.s", prog::TRACING, attach::TRACE_FSESSION)),
    plain("freplace", prog::EXT),
    at("lsm", prog::LSM, attach::LSM_MAC),
    sleepable(at("lsm.s", prog::LSM, attach::LSM_MAC)),
    at("lsm_cgroup", prog::LSM, attach::LSM_CGROUP),
    at("iter", prog::TRACING, attach::TRACE_ITER),
    sleepable(at("iter.s", prog::TRACING, attach::TRACE_ITER)),
    plain("struct_ops", prog::STRUCT_OPS),
    sleepable(plain("struct_ops.s", prog::STRUCT_OPS)),
];
