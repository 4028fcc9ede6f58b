//! What every section name means, entry by entry: the table of libbpf 1.7 (`section_defs`
//! of libbpf.c, which cilium/ebpf 0.22 has word for word in elf_sections.go), with the
//! numbers of linux/bpf.h. A `+` at the end: alone, or before a slash and more.

use bpflink::elf::ProgramType;

/// BPF_F_SLEEPABLE and BPF_F_XDP_HAS_FRAGS.
const S: u32 = 1 << 4;
const F: u32 = 1 << 5;

/// Name, program type, expected attach type (0 where there is none), flags.
#[rustfmt::skip]
const LIBBPF: [(&str, u32, u32, u32); 105] = [
    ("socket", 1, 0, 0),
    ("sk_reuseport/migrate", 21, 40, 0),
    ("sk_reuseport", 21, 39, 0),
    ("kprobe+", 2, 0, 0),
    ("uprobe+", 2, 0, 0),
    ("uprobe.s+", 2, 0, S),
    ("kretprobe+", 2, 0, 0),
    ("uretprobe+", 2, 0, 0),
    ("uretprobe.s+", 2, 0, S),
    ("kprobe.multi+", 2, 42, 0),
    ("kretprobe.multi+", 2, 42, 0),
    ("kprobe.session+", 2, 56, 0),
    ("uprobe.multi+", 2, 48, 0),
    ("uretprobe.multi+", 2, 48, 0),
    ("uprobe.session+", 2, 57, 0),
    ("uprobe.multi.s+", 2, 48, S),
    ("uretprobe.multi.s+", 2, 48, S),
    ("uprobe.session.s+", 2, 57, S),
    ("ksyscall+", 2, 0, 0),
    ("kretsyscall+", 2, 0, 0),
    ("usdt+", 2, 0, 0),
    ("usdt.s+", 2, 0, S),
    ("tc/ingress", 3, 46, 0),
    ("tc/egress", 3, 47, 0),
    ("tcx/ingress", 3, 46, 0),
    ("tcx/egress", 3, 47, 0),
    ("tc", 3, 0, 0),
    ("classifier", 3, 0, 0),
    ("action", 4, 0, 0),
    ("netkit/primary", 3, 54, 0),
    ("netkit/peer", 3, 55, 0),
    ("tracepoint+", 5, 0, 0),
    ("tp+", 5, 0, 0),
    ("raw_tracepoint+", 17, 0, 0),
    ("raw_tp+", 17, 0, 0),
    ("raw_tracepoint.w+", 24, 0, 0),
    ("raw_tp.w+", 24, 0, 0),
    ("tp_btf+", 26, 23, 0),
    ("fentry+", 26, 24, 0),
    ("fmod_ret+", 26, 26, 0),
    ("fexit+", 26, 25, 0),
    ("fentry.s+", 26, 24, S),
    ("fmod_ret.s+", 26, 26, S),
    ("fexit.s+", 26, 25, S),
    ("fsession+", 26, 58, 0),
    ("fsession.s+", 26, 58, S),
    ("freplace+", 28, 0, 0),
    ("lsm+", 29, 27, 0),
    ("lsm.s+", 29, 27, S),
    ("lsm_cgroup+", 29, 43, 0),
    ("iter+", 26, 28, 0),
    ("iter.s+", 26, 28, S),
    ("syscall", 31, 0, S),
    ("xdp.frags/devmap", 6, 33, F),
    ("xdp/devmap", 6, 33, 0),
    ("xdp.frags/cpumap", 6, 35, F),
    ("xdp/cpumap", 6, 35, 0),
    ("xdp.frags", 6, 37, F),
    ("xdp", 6, 37, 0),
    ("perf_event", 7, 0, 0),
    ("lwt_in", 10, 0, 0),
    ("lwt_out", 11, 0, 0),
    ("lwt_xmit", 12, 0, 0),
    ("lwt_seg6local", 19, 0, 0),
    ("sockops", 13, 3, 0),
    ("sk_skb/stream_parser", 14, 4, 0),
    ("sk_skb/stream_verdict", 14, 5, 0),
    ("sk_skb/verdict", 14, 38, 0),
    ("sk_skb", 14, 0, 0),
    ("sk_msg", 16, 7, 0),
    ("lirc_mode2", 20, 16, 0),
    ("flow_dissector", 22, 17, 0),
    ("cgroup_skb/ingress", 8, 0, 0),
    ("cgroup_skb/egress", 8, 1, 0),
    ("cgroup/skb", 8, 0, 0),
    ("cgroup/sock_create", 9, 2, 0),
    ("cgroup/sock_release", 9, 34, 0),
    ("cgroup/sock", 9, 2, 0),
    ("cgroup/post_bind4", 9, 12, 0),
    ("cgroup/post_bind6", 9, 13, 0),
    ("cgroup/bind4", 18, 8, 0),
    ("cgroup/bind6", 18, 9, 0),
    ("cgroup/connect4", 18, 10, 0),
    ("cgroup/connect6", 18, 11, 0),
    ("cgroup/connect_unix", 18, 49, 0),
    ("cgroup/sendmsg4", 18, 14, 0),
    ("cgroup/sendmsg6", 18, 15, 0),
    ("cgroup/sendmsg_unix", 18, 50, 0),
    ("cgroup/recvmsg4", 18, 19, 0),
    ("cgroup/recvmsg6", 18, 20, 0),
    ("cgroup/recvmsg_unix", 18, 51, 0),
    ("cgroup/getpeername4", 18, 29, 0),
    ("cgroup/getpeername6", 18, 30, 0),
    ("cgroup/getpeername_unix", 18, 52, 0),
    ("cgroup/getsockname4", 18, 31, 0),
    ("cgroup/getsockname6", 18, 32, 0),
    ("cgroup/getsockname_unix", 18, 53, 0),
    ("cgroup/sysctl", 23, 18, 0),
    ("cgroup/getsockopt", 25, 21, 0),
    ("cgroup/setsockopt", 25, 22, 0),
    ("cgroup/dev", 15, 6, 0),
    ("struct_ops+", 27, 0, 0),
    ("struct_ops.s+", 27, 0, S),
    ("sk_lookup", 30, 36, 0),
    ("netfilter", 32, 45, 0),
];

fn of(name: &str) -> (u32, u32, u32) {
    let ty = ProgramType::of_section(name.as_bytes());
    assert_eq!(ty.optional, name.starts_with('?'), "{name}");
    (ty.program_type, ty.attach_type.unwrap_or(0), ty.flags)
}

#[test]
fn every_name_of_libbpf() {
    for (name, program, attach, flags) in LIBBPF {
        let expected = (program, attach, flags);
        let plain = name.trim_end_matches('+');
        assert_eq!(of(plain), expected, "{plain}");
        assert_eq!(of(&format!("?{plain}")), expected, "?{plain}");
        if name.ends_with('+') {
            assert_eq!(of(&format!("{plain}/any/thing")), expected, "{name}");
            // No slash: another name, which neither of them knows.
            assert_eq!(of(&format!("{plain}x")), (0, 0, 0), "{plain}x");
        }
    }
}

/// cilium/ebpf takes every name without `+` as a prefix, the first of its table that fits.
fn cilium(name: &str) -> (u32, u32, u32) {
    let fits = |pattern: &str| match pattern.strip_suffix('+') {
        Some(head) => name.split('/').next() == Some(head),
        None => name.starts_with(pattern),
    };
    LIBBPF
        .iter()
        .find(|(pattern, ..)| fits(pattern))
        .map_or((0, 0, 0), |&(_, program, attach, flags)| {
            (program, attach, flags)
        })
}

#[test]
fn names_that_only_cilium_knows() {
    for (name, ..) in LIBBPF.iter().filter(|(name, ..)| !name.ends_with('+')) {
        for more in ["/main", "_main", "2", ".text"] {
            let longer = format!("{name}{more}");
            // libbpf knows it, or nobody but cilium/ebpf.
            if !LIBBPF.iter().any(|(known, ..)| *known == longer) {
                assert_eq!(of(&longer), cilium(&longer), "{longer}");
            }
        }
    }
}
