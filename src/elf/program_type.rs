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
