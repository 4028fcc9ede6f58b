//! What a section's name says about its programs.

use super::section_names::{EXACT, PREFIXES, Rule};

/// What a loader passes to BPF_PROG_LOAD, as the section's name tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ProgramType {
    /// BPF_PROG_TYPE_*; 0 where the name is not known.
    pub program_type: u32,
    /// BPF_* attach type; `None` where programs of this type have none.
    pub attach_type: Option<u32>,
    /// BPF_F_* flags for the load (sleepable, frags).
    pub flags: u32,
    /// Whether the name begins with `?`: loaded only when asked for.
    pub optional: bool,
}

impl ProgramType {
    /// What the name of a section says.
    ///
    /// First as libbpf: `kprobe` alone or before a slash, `xdp` exactly. What
    /// libbpf does not know may begin with an exact name, as cilium/ebpf has it:
    /// `xdp_pass`, `classifier/ingress`.
    pub fn of_section(name: &[u8]) -> ProgramType {
        let optional = name.starts_with(b"?");
        let name = name.strip_prefix(b"?").unwrap_or(name);
        let rule = find(name);
        ProgramType {
            program_type: rule.map_or(0, |rule| rule.program),
            attach_type: rule.and_then(|rule| rule.attach),
            flags: rule.map_or(0, |rule| rule.flags),
            optional,
        }
    }
}

fn find(name: &[u8]) -> Option<&'static Rule> {
    let mut parts = name.splitn(2, |&byte| byte == b'/');
    let head = parts.next().unwrap_or_default();
    EXACT
        .iter()
        .find(|rule| rule.name.as_bytes() == name)
        .or_else(|| PREFIXES.iter().find(|rule| rule.name.as_bytes() == head))
        .or_else(|| longest_prefix(name))
}

fn longest_prefix(name: &[u8]) -> Option<&'static Rule> {
    EXACT
        .iter()
        .filter(|rule| name.starts_with(rule.name.as_bytes()))
        .max_by_key(|rule| rule.name.len())
}

#[cfg(test)]
mod tests {
    use super::ProgramType;

    /// program type, attach type, flags: numbers of linux/bpf.h.
    fn of(name: &str) -> (u32, Option<u32>, u32) {
        let ty = ProgramType::of_section(name.as_bytes());
        assert_eq!(ty.optional, name.starts_with('?'), "{name}");
        (ty.program_type, ty.attach_type, ty.flags)
    }

    #[test]
    fn names_that_libbpf_knows() {
        assert_eq!(of("socket"), (1, None, 0));
        assert_eq!(of("kprobe"), (2, None, 0));
        assert_eq!(of("kprobe/do_unlinkat"), (2, None, 0));
        assert_eq!(of("kprobe.multi/tcp_*"), (2, Some(42), 0));
        assert_eq!(of("uprobe.multi.s//bin/sh:main"), (2, Some(48), 1 << 4));
        assert_eq!(of("tc"), (3, None, 0));
        assert_eq!(of("tc/ingress"), (3, Some(46), 0));
        assert_eq!(of("tp_btf/sched_switch"), (26, Some(23), 0));
        assert_eq!(of("fentry.s/vfs_read"), (26, Some(24), 1 << 4));
        assert_eq!(of("xdp"), (6, Some(37), 0));
        assert_eq!(of("xdp.frags/devmap"), (6, Some(33), 1 << 5));
        assert_eq!(of("cgroup_skb/ingress"), (8, Some(0), 0));
        assert_eq!(of("cgroup/sock"), (9, Some(2), 0));
        assert_eq!(of("cgroup/connect_unix"), (18, Some(49), 0));
        assert_eq!(of("syscall"), (31, None, 1 << 4));
        assert_eq!(of("struct_ops.s/init"), (27, None, 1 << 4));
        assert_eq!(of("netfilter"), (32, Some(45), 0));
    }

    #[test]
    fn a_question_mark_only_says_that_it_is_optional() {
        assert_eq!(of("?xdp"), (6, Some(37), 0));
        assert_eq!(of("?unheard/of"), (0, None, 0));
    }

    #[test]
    fn names_that_begin_like_one() {
        // libbpf knows none of these; cilium/ebpf takes the exact name as a prefix.
        assert_eq!(of("xdp_pass"), (6, Some(37), 0));
        assert_eq!(of("xdp/main"), (6, Some(37), 0));
        assert_eq!(of("xdp.frags_main"), (6, Some(37), 1 << 5));
        assert_eq!(of("classifier/ingress"), (3, None, 0));
        assert_eq!(of("cgroup/sock_create2"), (9, Some(2), 0));
    }

    #[test]
    fn names_that_nobody_knows() {
        assert_eq!(of(".text"), (0, None, 0));
        assert_eq!(of("kprobes/x"), (0, None, 0));
        assert_eq!(of("fentry_x"), (0, None, 0));
        assert_eq!(of(""), (0, None, 0));
    }
}
